/**
 * What `signer serve` is told: flags, above the environment, above `signer.toml`.
 *
 * Strict: an unknown key is an error that names it. Secrets come by the path of a file, never by
 * value. What the database binds (key, chain, floor) is not decided here: `Signer.start` refuses a
 * configuration that says otherwise (S35).
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ed25519PublicKey } from '@privval/proto/crypto/public-key';
import { base64FromBytes, bytesFromBase64 } from '@privval/proto/runtime/bytes';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { parseChainId } from '@privval/proto/types/chain-id';
import { parse, TomlError } from 'smol-toml';
import { parseRpcUrl } from '../chain/rpc-url.ts';
import { checkGrpcListen, type GrpcListenOptions } from '../connection/grpc-options.ts';
import {
  type NodeAddress,
  parseEndpoint,
  parseNodeAddress,
  printEndpoint,
  printNodeAddress,
} from '../connection/node-address.ts';
import { homePaths } from '../home/home-paths.ts';
import { parseValidatorName } from '../home/validator-name.ts';
import type { KeyPlace } from '../keyring/key-place.ts';
import type { ValidatorOptions } from '../signer-validator.ts';
import { ConfigSyntaxError, ConfigUnreadableError, ConfigValueError } from './config-errors.ts';
import { CONFIG_KEYS, type LOG_FORMATS, type LOG_LEVELS } from './config-keys.ts';
import {
  type AdminConfig,
  type AuditConfig,
  type HttpConfig,
  readOperations,
} from './config-operations.ts';
import { readProviders } from './config-providers.ts';
import { type ConfigTable, readTables } from './config-table.ts';
import { HOME_VARIABLE } from './home-variable.ts';
import { nearestWord } from './nearest-word.ts';

/** How much is logged. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** One JSON object a line, or lines for people. */
export type LogFormat = (typeof LOG_FORMATS)[number];

/** The configuration, checked; paths are absolute. */
export interface SignerConfig {
  readonly log: { readonly level: LogLevel; readonly format: LogFormat };
  /** Key file of the signer's own identity. */
  readonly identityFile: string;
  readonly http: HttpConfig;
  readonly admin: AdminConfig;
  readonly audit: AuditConfig;
  readonly validators: readonly ValidatorOptions[];
}

/** What stands above the file. */
export interface ConfigOverrides {
  /** Values of flags by `table.key`, such as `log.level`. */
  readonly flags?: Readonly<Record<string, string>> | undefined;
  /** @default the process's own */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
}

/**
 * Reads and checks a home's `signer.toml`.
 *
 * @throws {ConfigUnreadableError} ERR_CONFIG_UNREADABLE
 * @throws what {@link parseConfig} throws.
 */
export function readConfig(home: string, overrides: ConfigOverrides = {}): SignerConfig {
  return parseConfig(readConfigText(home), home, overrides);
}

/** The text of a home's `signer.toml`. @throws {ConfigUnreadableError} ERR_CONFIG_UNREADABLE */
export function readConfigText(home: string): string {
  const path = homePaths(home).config;
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const code = errorCode(cause);
    const reason =
      code === 'ENOENT'
        ? 'there is no such file; make a home with signer init'
        : code === 'EACCES'
          ? 'this user has no access to it'
          : code;
    throw new ConfigUnreadableError({ path, reason }, { cause });
  }
}

/**
 * Checks a `signer.toml` that belongs to `home`; relative paths in it start there.
 *
 * @throws {ConfigSyntaxError} ERR_CONFIG_SYNTAX
 * @throws {UnknownConfigKeyError} ERR_CONFIG_UNKNOWN_KEY
 * @throws {ConfigValueError} ERR_CONFIG_VALUE
 * @throws {InsecureGrpcAddressError} ERR_GRPC_INSECURE_ADDRESS
 */
export function parseConfig(
  text: string,
  home: string,
  overrides: ConfigOverrides = {},
): SignerConfig {
  const path = homePaths(home).config;
  const tables = readTables(parseToml(text, path), {
    path,
    text,
    flags: overrides.flags ?? {},
    environment: overrides.environment ?? process.env,
  });
  const validators = tables.validators.map((table) => readValidator(table, home));
  if (validators.length === 0) {
    throw new ConfigValueError(path, 'validator', 'is missing: there is nothing to serve');
  }
  checkUnique(tables.validators, validators);
  return {
    log: {
      level: tables.log.text('level') as LogLevel,
      format: tables.log.text('format') as LogFormat,
    },
    identityFile: resolve(home, tables.identity.text('key_file')),
    ...readOperations(tables, home),
    validators,
  };
}

/** Variables that look like ours and are not: each with the known one it is most like. */
export function unknownVariables(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): ReadonlyMap<string, string> {
  const known = [HOME_VARIABLE, ...CONFIG_KEYS.flatMap(({ variable }) => variable ?? [])];
  return new Map(
    Object.keys(environment)
      .filter((name) => name.startsWith('PRIVVAL_') && !known.includes(name))
      .map((name) => [name, nearestWord(name, known)]),
  );
}

function parseToml(text: string, path: string): Readonly<Record<string, unknown>> {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [reason = ''] = error.message.replace('Invalid TOML document: ', '').split('\n');
    const { line, column } = error;
    throw new ConfigSyntaxError({ path, line, column, reason }, { cause: error });
  }
}

function readValidator(table: ConfigTable, home: string): ValidatorOptions {
  const name = table.parsed('name', parseValidatorName);
  const nodes = table.texts('nodes').map((text): NodeAddress => {
    try {
      return parseNodeAddress(text);
    } catch (error) {
      throw table.wrong('nodes', error);
    }
  });
  const seen = new Set<string>();
  for (const printed of nodes.map(printNodeAddress)) {
    if (seen.has(printed)) throw table.fault('nodes', `has ${printed} twice`);
    seen.add(printed);
  }
  const grpc = table.child('grpc');
  if (nodes.length === 0 && grpc === undefined) {
    throw table.fault(
      'nodes',
      'is empty and there is no [validator.grpc]: nobody could ask this validator for a signature',
    );
  }
  return {
    name,
    chainId: table.parsed('chain_id', parseChainId),
    providers: readProviders(table, home),
    rotatedKeys: readRotatedKeys(table, home),
    nodes,
    rpcs: readRpcs(table, nodes.length),
    witnesses: readWitnesses(table),
    grpc: grpc === undefined ? undefined : readGrpc(grpc, home),
  };
}

/** Places of the keys after the first one: which of them signs when is in the database (S35). */
function readRotatedKeys(table: ConfigTable, home: string): readonly KeyPlace[] {
  const seen = new Set<string>();
  return table.children('rotated_key').map((rotated) => {
    const { bytes: publicKey } = rotated.parsed('public_key', (text) =>
      ed25519PublicKey(bytesFromBase64(text)),
    );
    const name = base64FromBytes(publicKey);
    if (seen.has(name)) throw rotated.fault('public_key', 'is there twice');
    seen.add(name);
    return { publicKey, providers: readProviders(rotated, home) };
  });
}

/** As many as there are nodes; `undefined` for a node without one. */
function readRpcs(table: ConfigTable, nodes: number): readonly (string | undefined)[] {
  const texts = table.texts('rpc');
  if (texts.length > nodes) {
    throw table.fault(
      'rpc',
      `has ${texts.length} entries for ${nodes} nodes: the i-th belongs to the i-th node, others are witnesses`,
    );
  }
  return Array.from({ length: nodes }, (_, at) => {
    const text = texts[at] ?? '';
    return text === '' ? undefined : checkedRpc(table, 'rpc', text);
  });
}

function readWitnesses(table: ConfigTable): readonly string[] {
  const rpcs = table.texts('rpc');
  const seen = new Set<string>();
  return table.texts('witnesses').map((text) => {
    if (seen.has(text)) throw table.fault('witnesses', 'has an RPC twice');
    seen.add(text);
    if (rpcs.includes(text)) throw table.fault('witnesses', 'has an RPC that is in rpc too');
    return checkedRpc(table, 'witnesses', text);
  });
}

function checkedRpc(table: ConfigTable, key: string, text: string): string {
  try {
    return parseRpcUrl(text).text;
  } catch (error) {
    throw table.wrong(key, error);
  }
}

function readGrpc(table: ConfigTable, home: string): GrpcListenOptions {
  const { host, port } = table.parsed('listen', (text) =>
    parseEndpoint(text, { allowPortZero: true }),
  );
  const files = ['cert', 'key', 'client_ca'].map((key) => table.optionalText(key));
  const [certFile, keyFile, clientCaFile] = files.map((file) =>
    file === undefined ? undefined : resolve(home, file),
  );
  if (table.flag('insecure')) {
    if (files.some((file) => file !== undefined)) {
      throw table.fault('insecure', 'contradicts the certificates named beside it');
    }
    const listen = { host, port, tls: undefined };
    checkGrpcListen(listen);
    return listen;
  }
  if (certFile === undefined || keyFile === undefined || clientCaFile === undefined) {
    throw table.fault(
      'listen',
      'needs cert, key and client_ca for mutual TLS (or insecure = true on a loopback address)',
    );
  }
  return { host, port, tls: { certFile, keyFile, clientCaFile } };
}

function checkUnique(
  tables: readonly ConfigTable[],
  validators: readonly ValidatorOptions[],
): void {
  const names = new Set<string>();
  const listens = new Set<string>();
  for (const [at, { name, grpc }] of validators.entries()) {
    const table = tables[at];
    if (names.has(name)) throw table?.fault('name', `${JSON.stringify(name)} is used twice`);
    names.add(name);
    if (grpc === undefined || grpc.port === 0) continue;
    const listen = printEndpoint(grpc);
    if (listens.has(listen)) {
      throw table?.fault('grpc.listen', `${listen} is used twice: one listener per validator`);
    }
    listens.add(listen);
  }
}
