/** `admin-credentials.toml`: who may use the admin API over TCP, and as what. Strict, like `signer.toml`. */
import { readSecretFile } from '@privval/hsm/file/secret-file';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { parse } from 'smol-toml';
import type { Credential, Role } from './access.ts';

/** Far more than a file with a thousand credentials has. */
const MAX_FILE_BYTES = 262_144;

const NAME = /^[a-z0-9-]{1,32}$/;
const SHA256 = /^[0-9a-fA-F]{64}$/;
const ROLES: readonly Role[] = ['viewer', 'operator', 'approver'];
const KEYS = ['name', 'role', 'token_sha256', 'certificate_sha256', 'expires'];

/** What stands for callers that have no credential. */
const RESERVED = ['local', 'chain'];

/** The file of credentials is not one: nobody gets in by it. */
export class CredentialsFileError extends CodedError {
  override readonly name = 'CredentialsFileError';
  readonly code = 'ERR_ADMIN_CREDENTIALS';

  constructor(file: { readonly path: string; readonly reason: string }, options?: ErrorOptions) {
    super(`${file.path}: ${file.reason}`, options);
  }
}

/**
 * Reads the file.
 *
 * @throws {CredentialsFileError} ERR_ADMIN_CREDENTIALS
 * @throws what {@link readSecretFile} throws: its mode has to be 0600, as of a file with secrets.
 */
export function readCredentials(path: string): readonly Credential[] {
  using content = readSecretFile(path, { maxBytes: MAX_FILE_BYTES });
  return parseCredentials(
    content.use((bytes) => new TextDecoder().decode(bytes)),
    path,
  );
}

/** @throws {CredentialsFileError} ERR_ADMIN_CREDENTIALS */
export function parseCredentials(text: string, path: string): readonly Credential[] {
  let file: Readonly<Record<string, unknown>>;
  try {
    file = parse(text);
  } catch (cause) {
    throw new CredentialsFileError({ path, reason: 'it is no TOML' }, { cause });
  }
  const { credential: tables = [], ...others } = file;
  const [stranger] = Object.keys(others);
  if (stranger !== undefined)
    throw new CredentialsFileError({ path, reason: `unknown key ${stranger}` });
  if (!Array.isArray(tables)) {
    throw new CredentialsFileError({ path, reason: 'write each credential as [[credential]]' });
  }
  const credentials = tables.map((table) => credentialOf(table, path));
  const seen = new Set<string>();
  for (const { name, tokenSha256, certificateSha256 } of credentials) {
    for (const mark of [name, tokenSha256, certificateSha256]) {
      if (mark === undefined) continue;
      if (seen.has(mark))
        throw new CredentialsFileError({ path, reason: `${mark} is there twice` });
      seen.add(mark);
    }
  }
  return credentials;
}

function credentialOf(table: unknown, path: string): Credential {
  const fail = (reason: string): never => {
    throw new CredentialsFileError({ path, reason });
  };
  if (typeof table !== 'object' || table === null) return fail('a credential is a table');
  const values = new Map<string, string>();
  for (const [key, value] of Object.entries(table)) {
    if (!KEYS.includes(key)) fail(`unknown key ${key}`);
    if (typeof value !== 'string') fail(`${key} has to be a text in quotes`);
    values.set(key, value);
  }
  const name = values.get('name') ?? fail('a credential has no name');
  if (!NAME.test(name) || RESERVED.includes(name)) {
    fail(
      `${JSON.stringify(name)} cannot be a name: 1 to 32 of a-z 0-9 -, and not ${RESERVED.join(' or ')}`,
    );
  }
  const role = ROLES.find((known) => known === values.get('role'));
  if (role === undefined) return fail(`${name}: role has to be one of ${ROLES.join(', ')}`);
  const hash = (key: string): string | undefined => {
    const value = values.get(key);
    if (value !== undefined && !SHA256.test(value)) fail(`${name}: ${key} has to be 64 hex digits`);
    return value?.toLowerCase();
  };
  const tokenSha256 = hash('token_sha256');
  const certificateSha256 = hash('certificate_sha256');
  if ((tokenSha256 === undefined) === (certificateSha256 === undefined)) {
    fail(`${name}: one of token_sha256 and certificate_sha256 has to be there, not both`);
  }
  const expires = values.get('expires');
  if (expires !== undefined && !Number.isFinite(parseTime(expires))) {
    fail(`${name}: expires has to be a time such as 2027-01-31T00:00:00Z`);
  }
  return { name, role, tokenSha256, certificateSha256, expires };
}

/** Milliseconds since 1970; NaN unless ISO 8601 in UTC. */
export function parseTime(text: string): number {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/.test(text) ? Date.parse(text) : Number.NaN;
}

/** The file's text; what {@link parseCredentials} reads. */
export function printCredentials(credentials: readonly Credential[]): string {
  const lines = [
    '# Who may use the admin API over TCP. Written by signer admin; comments are not kept.',
  ];
  for (const { name, role, tokenSha256, certificateSha256, expires } of credentials) {
    lines.push('', '[[credential]]', `name = "${name}"`, `role = "${role}"`);
    if (tokenSha256 !== undefined) lines.push(`token_sha256 = "${tokenSha256}"`);
    if (certificateSha256 !== undefined) lines.push(`certificate_sha256 = "${certificateSha256}"`);
    if (expires !== undefined) lines.push(`expires = "${expires}"`);
  }
  return `${lines.join('\n')}\n`;
}
