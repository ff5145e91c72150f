/** Folders as other signers leave them, laid out from `test/vectors/import`. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readKeyFile } from '@privval/hsm/file/open-key-file';
import type { PublicKey } from '@privval/proto/crypto/public-key';
import { type ChainId, parseChainId } from '@privval/proto/types/chain-id';
import { ScratchFolder } from '../../harness/scratch-folder.ts';

const VECTORS = join(import.meta.dirname, '../../vectors/import');

/** The chain of every vector. */
export const GOLDEN_CHAIN: ChainId = parseChainId('golden-1');

/** A vector's bytes. */
export function vector(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(VECTORS, name)));
}

/** A vector's text. */
export function vectorText(name: string): string {
  return readFileSync(join(VECTORS, name), 'utf8');
}

/** The key of the states in `filepv/` and `horcrux/`. */
export async function goldenKey(): Promise<PublicKey> {
  using folder = new ScratchFolder();
  const path = put(folder, 'key.json', vector('filepv/priv_validator_key.json'));
  const { secret } = await readKeyFile(path);
  using key = secret;
  return key.publicKey;
}

/** Writes a file of mode 0600 and the folders to it. @returns its path */
export function put(folder: ScratchFolder, name: string, content: Uint8Array | string): string {
  const path = folder.join(name);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, content, { mode: 0o600 });
  chmodSync(path, 0o600);
  return path;
}

/** Every file of a folder with its bytes and its time of change: what must be the same afterwards. */
export function fingerprint(path: string): ReadonlyMap<string, string> {
  const files = readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return new Map(
    files.map((file) => {
      const { mtimeMs, mode } = statSync(file);
      return [file, `${mode} ${mtimeMs} ${readFileSync(file, 'base64')}`];
    }),
  );
}

/** What differs from the golden home. */
export interface Changes {
  /** The name of the state's vector; `null` for none. */
  readonly state?: string | null;
  readonly config?: string;
}

/** tmkms with a soft key, at `tmkms`. @returns its folder */
export function tmkmsHome(folder: ScratchFolder, changes: Changes = {}): string {
  const { state = 'tmkms/precommit.json', config = vectorText('tmkms/tmkms.toml') } = changes;
  put(folder, 'tmkms/tmkms.toml', config);
  put(folder, 'tmkms/secrets/golden-1-consensus.key', vector('tmkms/consensus.key'));
  if (state !== null) put(folder, 'tmkms/state/golden-1-consensus.json', vector(state));
  return folder.join('tmkms');
}

/** A cosigner of horcrux in threshold mode, at `name`. @returns its home */
export function cosignerHome(
  folder: ScratchFolder,
  name = 'cosigner-1',
  states: { readonly cluster?: string; readonly share?: string } = {
    cluster: 'horcrux/cluster.json',
    share: 'horcrux/share.json',
  },
): string {
  put(folder, `${name}/config.yaml`, vectorText('horcrux/config.yaml'));
  const { cluster, share } = states;
  if (cluster !== undefined) {
    put(folder, `${name}/state/golden-1_priv_validator_state.json`, vector(cluster));
  }
  if (share !== undefined) {
    put(folder, `${name}/state/golden-1_share_sign_state.json`, vector(share));
  }
  return folder.join(name);
}

/** The key before it was sharded. @returns its path */
export function wholeKey(folder: ScratchFolder): string {
  return put(folder, 'priv_validator_key.json', vector('filepv/priv_validator_key.json'));
}

/** cosmos kms with a key file, at `kms`. @returns its home */
export function kmsHome(folder: ScratchFolder, changes: Changes = {}): string {
  const { state = 'filepv/precommit.json', config = vectorText('kms/kms.yaml') } = changes;
  put(folder, 'kms/kms.yaml', config);
  put(folder, 'kms/priv_validator_key.json', vector('filepv/priv_validator_key.json'));
  if (state !== null) put(folder, 'kms/state/golden-1.json', vector(state));
  return folder.join('kms');
}

/** A node that signs itself, at `node`. @returns its home */
export function nodeHome(folder: ScratchFolder, changes: Changes = {}): string {
  const {
    state = 'filepv/precommit.json',
    config = `priv_validator_key_file = "config/priv_validator_key.json"
priv_validator_state_file = "data/priv_validator_state.json"
priv_validator_laddr = "tcp://0.0.0.0:26659"
genesis_file = "config/genesis.json"
`,
  } = changes;
  put(folder, 'node/config/config.toml', config);
  put(folder, 'node/config/genesis.json', '{"app_state":{},"chain_id":"golden-1"}');
  put(folder, 'node/config/priv_validator_key.json', vector('filepv/priv_validator_key.json'));
  if (state !== null) put(folder, 'node/data/priv_validator_state.json', vector(state));
  return folder.join('node');
}
