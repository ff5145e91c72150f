/** `signer admin token | certificate | list | revoke`: who may use the admin API over TCP, or with a role of their own on the socket. */
import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { readConfig } from '../config/config.ts';
import { checkHome } from '../home/check-home.ts';
import { createFile, replaceFile } from '../home/durable-file.ts';
import type { Credential, Role } from '../http/access.ts';
import { parseCredentials, printCredentials, readCredentials } from '../http/credentials-file.ts';
import { type CliContext, type HomeFlags, printJson, printTable, UsageError } from './context.ts';

/** Where credentials are when `admin.credentials_file` says nothing: a name in the home. */
const DEFAULT_FILE = 'admin-credentials.toml';

/** As the command line has them. */
export interface CredentialFlags extends HomeFlags {
  readonly role: Role;
  /** Days, or a time. */
  readonly expires?: string;
  /** Where the token goes, instead of standard output. */
  readonly out?: string;
}

/** No credential has this name, or one has it already. */
export class CredentialNameError extends CodedError {
  override readonly name = 'CredentialNameError';
  readonly code = 'ERR_ADMIN_CREDENTIAL_NAME';
}

/** Makes a token; it is shown this once, and kept as its hash. */
export function runAdminToken(context: CliContext, name: string, flags: CredentialFlags): void {
  const token = randomBytes(32).toString('base64url');
  const tokenSha256 = createHash('sha256').update(token).digest('hex');
  const file = openFile(flags);
  const added = { ...basics(context, name, flags), tokenSha256, certificateSha256: undefined };
  // The token's file first: a credential whose token nobody has is worse than a file too many.
  const all = withCredential(file, added);
  if (flags.out !== undefined) createFile(resolve(flags.out), `${token}\n`);
  replaceFile(file.path, all);
  const shown = flags.out === undefined ? { token } : { tokenFile: resolve(flags.out) };
  if (flags.json === true) printJson(context, { ...shown, ...rowOf(added), file: file.path });
  else {
    context.print(flags.out === undefined ? token : `the token is in ${resolve(flags.out)}`);
    context.note(`${name} (${flags.role}) is in ${file.path}. The token is not shown again.`);
    hintAboutConfig(context, file);
  }
}

/** Lets a client certificate in. */
export function runAdminCertificate(
  context: CliContext,
  name: string,
  certificate: string,
  flags: CredentialFlags,
): void {
  const { raw } = new X509Certificate(readFileSync(resolve(certificate)));
  const certificateSha256 = createHash('sha256').update(raw).digest('hex');
  const file = openFile(flags);
  const added = { ...basics(context, name, flags), tokenSha256: undefined, certificateSha256 };
  replaceFile(file.path, withCredential(file, added));
  if (flags.json === true) printJson(context, { ...rowOf(added), file: file.path });
  else {
    context.print(`${name} (${flags.role}) is in ${file.path}`);
    hintAboutConfig(context, file);
  }
}

/** Shows everybody, without anything that opens a door. */
export function runAdminList(context: CliContext, flags: HomeFlags): void {
  const rows = openFile(flags).credentials.map(rowOf);
  if (flags.json === true) printJson(context, rows);
  else {
    printTable(
      context,
      ['NAME', 'ROLE', 'BY', 'EXPIRES'],
      rows.map(({ name, role, by, expires }) => [name, role, by, expires ?? 'never']),
    );
  }
}

/** Takes a credential away; a running signer knows within a second. */
export function runAdminRevoke(context: CliContext, name: string, flags: HomeFlags): void {
  const { path, credentials } = openFile(flags);
  const rest = credentials.filter((credential) => credential.name !== name);
  if (rest.length === credentials.length) {
    throw new CredentialNameError(`${path} has no ${JSON.stringify(name)}: signer admin list`);
  }
  replaceFile(path, printCredentials(rest));
  if (flags.json === true) printJson(context, { revoked: name });
  else context.print(`${name} is no longer let in`);
}

interface CredentialsFile {
  readonly path: string;
  readonly credentials: readonly Credential[];
  readonly isConfigured: boolean;
}

function openFile(flags: HomeFlags): CredentialsFile {
  const home = resolve(flags.home);
  checkHome(home);
  const { credentialsFile } = readConfig(home).admin;
  const path = credentialsFile ?? join(home, DEFAULT_FILE);
  const credentials = existsSync(path) ? readCredentials(path) : [];
  return { path, credentials, isConfigured: credentialsFile !== undefined };
}

function hintAboutConfig(context: CliContext, { isConfigured, path }: CredentialsFile): void {
  if (isConfigured) return;
  context.note(
    `It counts once signer.toml names the file, and after a restart: [admin] credentials_file = ${JSON.stringify(path)}`,
  );
}

/** The file's new text, read once as the signer will read it. */
function withCredential({ path, credentials }: CredentialsFile, added: Credential): string {
  if (credentials.some(({ name }) => name === added.name)) {
    throw new CredentialNameError(
      `${path} has ${JSON.stringify(added.name)} already: signer admin revoke, or another name`,
    );
  }
  const text = printCredentials([...credentials, added]);
  parseCredentials(text, path);
  return text;
}

function basics(
  { clock }: CliContext,
  name: string,
  { role, expires }: CredentialFlags,
): Pick<Credential, 'name' | 'role' | 'expires'> {
  const [, days] = /^([1-9][0-9]{0,4})d$/.exec(expires ?? '') ?? [];
  if (days !== undefined) {
    const endMs = clock.now() + Number(days) * 86_400_000;
    return { name, role, expires: new Date(endMs).toISOString() };
  }
  if (expires !== undefined && !expires.includes('T')) {
    throw new UsageError('--expires takes days (90d) or a time (2027-01-31T00:00:00Z)');
  }
  return { name, role, expires };
}

function rowOf({ name, role, tokenSha256, expires }: Credential): {
  readonly name: string;
  readonly role: Role;
  readonly by: string;
  readonly expires: string | null;
} {
  const by = tokenSha256 === undefined ? 'certificate' : 'token';
  return { name, role, by, expires: expires ?? null };
}
