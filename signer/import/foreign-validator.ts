/** A validator as another signer has it: what its files say, before anything is decided about it. */
import type { KeyFileOptions } from '@privval/hsm/file/open-key-file';
import type { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import type { DeviceProviderOptions } from '../keyring/provider-options.ts';

/** The signers a validator can be taken over from. */
export const FOREIGN_SIGNERS = ['tmkms', 'horcrux', 'kms', 'filepv'] as const;

/** One of {@link FOREIGN_SIGNERS}. */
export type ForeignSigner = (typeof FOREIGN_SIGNERS)[number];

/** What to call each in a sentence. */
export const FOREIGN_SIGNER_NAMES: Readonly<Record<ForeignSigner, string>> = {
  tmkms: 'tmkms',
  horcrux: 'horcrux',
  kms: 'cosmos kms',
  filepv: 'the key file of a node',
};

/** Where the key is, and how it is had. */
export type ForeignKey =
  | {
      readonly kind: 'file';
      readonly path: string;
      /** The secret, which is the caller's then. A passphrase is for a key that lies there encrypted. */
      readonly open: (options: KeyFileOptions) => Promise<Ed25519SecretKey>;
    }
  | { readonly kind: 'device'; readonly place: DeviceProviderOptions };

/** One key on one chain. */
export interface ForeignValidator {
  readonly chainId: string;
  /** As `--node` takes them; none where the configuration does not say. */
  readonly nodes: readonly string[];
  readonly key: ForeignKey;
  /** Where it keeps what it signed. Not all of them have to be there. */
  readonly stateFiles: readonly string[];
  /** Why even all of those do not tell how far the key has signed; then only a height does (S2). */
  readonly gap: string | undefined;
  /** What the operator should know. */
  readonly notes: readonly string[];
}

/** What a signer's folder holds. */
export interface ForeignSetup {
  readonly signer: ForeignSigner;
  /** Its configuration, or whatever was read first. */
  readonly source: string;
  /** The folder that is its own: what runs in there is that signer. */
  readonly folder: string;
  /** One a chain, at least one. */
  readonly validators: readonly ForeignValidator[];
}

/** What every reader is told. */
export interface ReadForeignOptions {
  /** Only this chain. */
  readonly chainId?: string | undefined;
}
