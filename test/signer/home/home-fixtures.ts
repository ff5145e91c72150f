/** Homes as `signer init` makes them, and files an operator brings. */
import { createHash } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { encodeFilePvState } from '@privval/hsm/file/file-pv-state';
import { voteSignBytes } from '@privval/proto/codec/sign-bytes';
import type { PublicKey } from '@privval/proto/crypto/public-key';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { systemClock } from '@privval/proto/runtime/clock';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { silentLogger } from '@privval/proto/runtime/logger';
import { type ChainId, parseChainId } from '@privval/proto/types/chain-id';
import type { Floor } from '@privval/signer/guard/sign-state-store';
import { createHome, type HomeDeps } from '@privval/signer/home/create-home';
import type { NewValidator } from '@privval/signer/home/new-validator';
import { openHomeStore } from '@privval/signer/home/open-home-store';
import type { ValidatorRequest } from '@privval/signer/home/validator-request';
import { precommit } from '../../harness/consensus-messages.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';

export const deps: HomeDeps = { clock: systemClock, logger: silentLogger };

export const CHAIN: ChainId = parseChainId('chain-1');

/** `priv_validator_key.json` as Go writes it for the seed sha256("it's a secret") (spec/privval.md 5.2). */
export const KNOWN_KEY_FILE = `{
  "address": "DC52D5CF8DFD1793D71038B342A29B01AD8A5D63",
  "pub_key": {
    "type": "tendermint/PubKeyEd25519",
    "value": "VWpDbxIY0wlC7+eYQg9R3JtqMRuSnFeCV0V9BcX88jA="
  },
  "priv_key": {
    "type": "tendermint/PrivKeyEd25519",
    "value": "nYNNP8rE7iVTa3DhU3b+u2l4YatXNAXYuJKQQX/RYHBVakNvEhjTCULv55hCD1Hcm2oxG5KcV4JXRX0FxfzyMA=="
  }
}`;

/** What must never be seen anywhere but in a key file. */
export const KNOWN_SECRET_TEXTS: readonly string[] = [
  'nYNNP8rE7iVTa3DhU3b',
  createHash('sha256').update("it's a secret").digest('hex'),
];

/** The key of {@link KNOWN_KEY_FILE}. */
export function knownSecretKey(): Ed25519SecretKey {
  return Ed25519SecretKey.fromSeed(
    new Uint8Array(createHash('sha256').update("it's a secret").digest()),
  );
}

/** A validator with a fresh key and one node. */
export function request(change: Partial<ValidatorRequest> = {}): ValidatorRequest {
  return { name: 'main', chainId: CHAIN, nodes: ['tcp://127.0.0.1:26659'], ...change };
}

/** A scratch folder with a home in it, at `home`. */
export class MadeHome implements Disposable {
  readonly folder: ScratchFolder;
  readonly made: NewValidator;

  private constructor(folder: ScratchFolder, made: NewValidator) {
    this.folder = folder;
    this.made = made;
  }

  static async create(change: Partial<ValidatorRequest> = {}): Promise<MadeHome> {
    const folder = new ScratchFolder();
    const made = await createHome(deps, { home: folder.join('home'), validator: request(change) });
    return new MadeHome(folder, made);
  }

  get home(): string {
    return this.folder.join('home');
  }

  join(...names: readonly string[]): string {
    return this.folder.join('home', ...names);
  }

  async floor(validator = 'main'): Promise<Floor> {
    await using opened = await openHomeStore(deps, { home: this.home, command: 'test' });
    return opened.store.floor(validator);
  }

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }
}

/** The key file of the known key, mode 0600. @returns its path */
export function writeKnownKey(folder: ScratchFolder): string {
  return writeSecret(folder, 'priv_validator_key.json', KNOWN_KEY_FILE);
}

/** A file of mode 0600. @returns its path */
export function writeSecret(folder: ScratchFolder, name: string, content: string): string {
  const path = folder.join(name);
  writeFileSync(path, content, { mode: 0o600 });
  chmodSync(path, 0o600);
  return path;
}

/** The state file of the known key after a precommit at `height`. */
export function knownState(
  height: bigint,
  options: { readonly chainId?: ChainId; readonly isStale?: boolean } = {},
): Uint8Array {
  const { chainId = CHAIN, isStale = false } = options;
  using key = knownSecretKey();
  const signBytes = voteSignBytes(chainId, precommit({ height }));
  const signature = key.sign(signBytes);
  return encodeFilePvState({ height, round: 0, step: 'precommit', signBytes, signature, isStale });
}

/** As {@link knownState}, in a file. @returns its path */
export function writeKnownState(
  folder: ScratchFolder,
  ...state: Parameters<typeof knownState>
): string {
  const path = folder.join(`state-${state[0]}.json`);
  writeFileSync(path, knownState(...state));
  return path;
}

/** The known key's public half. */
export function knownPublicKey(): PublicKey {
  using key = knownSecretKey();
  return key.publicKey;
}

/** The code of what `action` throws, or `done`. */
export async function codeOf(action: () => unknown): Promise<string> {
  try {
    await action();
    return 'done';
  } catch (error) {
    return errorCode(error);
  }
}
