/** What an operator does with a token, each in a process of its own that ends with it. */
import { randomInt } from 'node:crypto';
import type { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { hexFromBytes } from '@privval/proto/runtime/bytes';
import type { EcParamsEncoding } from './ec-encoding.ts';
import { ModuleProcess, type ModuleProcessDeps, type TokenLogin } from './module-process.ts';
import type { Answers, ModuleRequest, NewKey, TokenInfo, TokenKey } from './module-protocol.ts';

/** Which module. */
export interface ModuleOptions extends AbortOptions {
  /** The vendor's library. */
  readonly modulePath: string;
  /** Added to the environment of the module's process. No secrets. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** For the start of the process, and again for what is done. @default 60000 */
  readonly timeoutMs?: number | undefined;
  /** Another program instead of the module's own. For tests. */
  readonly main?: URL | undefined;
}

/** Which token of it, and its PIN. */
export interface TokenOptions extends ModuleOptions {
  /** The token's label, without padding. */
  readonly token: string;
  /** File with the user PIN, of mode 0600. */
  readonly pinFile: string;
}

/** What a new key is called, and how the curve is spelt to the token. */
export interface NewKeyOptions extends TokenOptions {
  /** CKA_LABEL; no key may have it yet. */
  readonly label: string;
  /** CKA_ID, 1 to 65534; taken if it is free, else the next one that is. @default a random one */
  readonly id?: number | undefined;
  /** `auto`: the standard's name, and the OID when the token does not know that. @default 'auto' */
  readonly encoding?: EcParamsEncoding | 'auto' | undefined;
}

/** Every token the module shows. Needs no PIN. */
export async function listPkcs11Tokens(
  deps: ModuleProcessDeps,
  options: ModuleOptions,
): Promise<readonly TokenInfo[]> {
  return once(deps, options, { do: 'list-tokens' });
}

/** Every private key of the token that this PIN shows. */
export async function listPkcs11Keys(
  deps: ModuleProcessDeps,
  options: TokenOptions,
): Promise<readonly TokenKey[]> {
  return once(deps, options, { do: 'list-keys' }, { login: options });
}

/**
 * Makes an Ed25519 key in the token: it signs, and never comes out.
 *
 * @throws {KeyExistsError} ERR_PKCS11_KEY_EXISTS
 * @throws {MechanismMissingError} ERR_PKCS11_MECHANISM_MISSING
 * @throws whatever {@link ModuleProcess.run} throws.
 */
export async function generatePkcs11Key(
  deps: ModuleProcessDeps,
  options: NewKeyOptions,
): Promise<TokenKey> {
  const login = { ...options, isReadWrite: true };
  return once(deps, options, { do: 'generate', key: newKey(options) }, { login });
}

/**
 * Puts a key into the token, where the token allows it. `secret` stays the caller's.
 *
 * @throws {KeyExistsError} ERR_PKCS11_KEY_EXISTS
 * @throws {ImportRefusedError} ERR_PKCS11_IMPORT_REFUSED; nothing is left behind.
 * @throws whatever {@link ModuleProcess.run} throws.
 */
export async function importPkcs11Key(
  deps: ModuleProcessDeps,
  options: NewKeyOptions & { readonly secret: Ed25519SecretKey },
): Promise<TokenKey> {
  const { secret } = options;
  const publicKey = hexFromBytes(secret.publicKey.bytes);
  const login = { ...options, isReadWrite: true };
  const seed = secret.exportSeed((bytes) => new Uint8Array(bytes));
  try {
    const request = { do: 'import', key: newKey(options), publicKey } as const;
    return await once(deps, options, request, { login, body: seed });
  } finally {
    seed.fill(0);
  }
}

/**
 * Takes a key out of the token for good, both halves, provided it is this one: for a key that was made
 * and has never been used.
 *
 * @throws {KeyNotFoundError} ERR_PKCS11_KEY_NOT_FOUND
 * @throws {KeyChangedError} ERR_PKCS11_KEY_CHANGED when the key of this id is another one.
 * @throws whatever {@link ModuleProcess.run} throws.
 */
export async function removePkcs11Key(
  deps: ModuleProcessDeps,
  options: TokenOptions & { readonly key: Pick<TokenKey, 'id' | 'publicKey'> },
): Promise<void> {
  const { id, publicKey = '' } = options.key;
  const login = { ...options, isReadWrite: true };
  await once(deps, options, { do: 'remove', id, publicKey }, { login });
}

function newKey({ label, id, encoding = 'auto' }: NewKeyOptions): NewKey {
  return {
    label,
    firstId: id ?? randomInt(1, 0xffff),
    encodings: encoding === 'auto' ? ['printable-string', 'oid'] : [encoding],
  };
}

/** Starts the module, has it do one thing, and ends it. */
async function once<Request extends ModuleRequest>(
  deps: ModuleProcessDeps,
  options: ModuleOptions,
  request: Request,
  more: { readonly login?: TokenLogin; readonly body?: Uint8Array } = {},
): Promise<Answers[Request['do']]> {
  const { modulePath, environment, main, timeoutMs = 60_000, signal } = options;
  const { login, body } = more;
  const processOptions = { modulePath, environment, main, login, startTimeoutMs: timeoutMs };
  await using process = new ModuleProcess(deps, processOptions);
  const limits = { timeoutMs, queueTimeoutMs: 2 * timeoutMs, signal, body };
  const { value } = await process.run(request, limits);
  return value;
}
