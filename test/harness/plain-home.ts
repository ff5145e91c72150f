/** A signer's home made by hand: keys in files, validators in the database, nothing else. */
import { join } from 'node:path';
import { writeKeyFile } from '@privval/hsm/file/open-key-file';
import type { PublicKey } from '@privval/proto/crypto/public-key';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { libp2pPeerIdFromPublicKey } from '@privval/proto/noise/peer-id';
import { systemClock } from '@privval/proto/runtime/clock';
import { silentLogger } from '@privval/proto/runtime/logger';
import { parseChainId } from '@privval/proto/types/chain-id';
import { parseNodeAddress } from '@privval/signer/connection/node-address';
import { SqliteSignStateStore } from '@privval/signer/guard/sqlite-sign-state-store';
import { createIdentity, readIdentity } from '@privval/signer/home/identity';
import type { SignerOptions } from '@privval/signer/signer';
import type { ValidatorOptions } from '@privval/signer/signer-validator';
import { ScratchFolder } from './scratch-folder.ts';

/** A validator of the home. */
export interface PlainValidator {
  readonly name: string;
  readonly chainId: string;
  /** Addresses to dial. */
  readonly nodes: readonly string[];
}

/** Dispose it after the signer. */
export class PlainHome implements Disposable {
  readonly options: SignerOptions;
  /** Public keys by validator. */
  readonly publicKeys: ReadonlyMap<string, PublicKey>;
  /** What `noise://` nodes know the signer by. */
  readonly peerId: string;
  readonly #folder: ScratchFolder;

  private constructor(
    folder: ScratchFolder,
    made: Pick<PlainHome, 'options' | 'publicKeys' | 'peerId'>,
  ) {
    this.#folder = folder;
    this.options = made.options;
    this.publicKeys = made.publicKeys;
    this.peerId = made.peerId;
  }

  /**
   * A home with these validators, each with a fresh key and no height signed.
   * @param devices public keys of the validators whose key is in no file
   */
  static async create(
    validators: readonly PlainValidator[],
    devices: ReadonlyMap<string, PublicKey> = new Map(),
  ): Promise<PlainHome> {
    const folder = new ScratchFolder();
    const identityFile = folder.join('identity.json');
    createIdentity(identityFile);
    using identity = readIdentity(identityFile);
    await using store = SqliteSignStateStore.create(
      { clock: systemClock, logger: silentLogger },
      { directory: folder.path },
    );
    const publicKeys = new Map<string, PublicKey>();
    const options: ValidatorOptions[] = [];
    for (const { name, chainId, nodes } of validators) {
      using key = Ed25519SecretKey.generate();
      const keyFile = folder.join(`${name}.json`);
      await writeKeyFile(keyFile, key);
      const publicKey = devices.get(name) ?? key.publicKey;
      publicKeys.set(name, publicKey);
      const chain = parseChainId(chainId);
      store.addValidator(
        { name, chainId: chain, publicKey: publicKey.bytes },
        { height: 0n, round: 0, step: 'none' },
      );
      options.push({
        name,
        chainId: chain,
        providers: [{ kind: 'file', keyFile }],
        nodes: nodes.map(parseNodeAddress),
      });
    }
    return new PlainHome(folder, {
      options: { home: folder.path, identityFile, validators: options, lockWaitMs: 0 },
      publicKeys,
      peerId: libp2pPeerIdFromPublicKey(identity.publicKey),
    });
  }

  /** A path inside. */
  join(...names: readonly string[]): string {
    return join(this.#folder.path, ...names);
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}
