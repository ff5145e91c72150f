/** `signer.toml` as `signer init` and `signer validators add` write it. */
import { base64FromBytes } from '@privval/proto/runtime/bytes';
import type { KeyPlace } from '../keyring/key-place.ts';
import {
  COMMAND_TIMEOUT_MS,
  objectIdText,
  type ProviderOptions,
} from '../keyring/provider-options.ts';

/** What is written about one validator. Paths are relative to the home, or absolute. */
export interface ValidatorText {
  readonly name: string;
  readonly chainId: string;
  /** Where the key is; the second one is a standby. */
  readonly providers: readonly ProviderOptions[];
  /** As they are to stand there. */
  readonly nodes: readonly string[];
  /** Of the first nodes, in their order. @default none */
  readonly rpcs?: readonly string[] | undefined;
  /** @default none */
  readonly witnesses?: readonly string[] | undefined;
  readonly grpc: GrpcText | undefined;
}

/** What is written about a validator's gRPC listener. */
export interface GrpcText {
  readonly listen: string;
  /** `undefined`: plaintext, on loopback. */
  readonly tls:
    | { readonly cert: string; readonly key: string; readonly clientCa: string }
    | undefined;
}

const HEAD = `# What signer serve does. Every key is explained in docs/operations.md; an unknown one is an error.
# Key, chain and floor of a validator are bound in floor.db: to change them here is refused at start.

[log]
level = "info"
format = "json"

[identity]
key_file = "identity.json"
`;

/** A whole file with one validator. */
export function configText(validator: ValidatorText): string {
  return HEAD + validatorText(validator);
}

/** The file with one validator more, everything else as it was. */
export function withValidator(text: string, validator: ValidatorText): string {
  return `${text.replace(/\n*$/, '\n')}${validatorText(validator)}`;
}

/** One validator's part of the file. */
export function validatorText(validator: ValidatorText): string {
  const { name, chainId, providers, nodes, rpcs = [], witnesses = [], grpc } = validator;
  const [primary, standby] = providers;
  const lines = ['', '[[validator]]', `name = ${quote(name)}`, `chain_id = ${quote(chainId)}`];
  // Keys of a table stand before the tables below it.
  if (primary?.kind === 'file') lines.push(...keyLines(primary));
  lines.push(`nodes = ${textsText(nodes)}`);
  if (rpcs.length > 0) lines.push(`rpc = ${textsText(rpcs)}`);
  if (witnesses.length > 0) lines.push(`witnesses = ${textsText(witnesses)}`);
  lines.push(...deviceTables('validator', primary, standby));
  if (grpc !== undefined) lines.push('', '[validator.grpc]', ...grpcLines(grpc));
  return `${lines.join('\n')}\n`;
}

/** The place of a key after the first one, as it stands below its validator. */
export function rotatedKeyText({ publicKey, providers }: KeyPlace): string {
  const [primary, standby] = providers;
  const lines = [
    '',
    '[[validator.rotated_key]]',
    `public_key = ${quote(base64FromBytes(publicKey))}`,
  ];
  if (primary?.kind === 'file') lines.push(...keyLines(primary));
  lines.push(...deviceTables('validator.rotated_key', primary, standby));
  return `${lines.join('\n')}\n`;
}

function deviceTables(
  parent: string,
  primary: ProviderOptions | undefined,
  standby: ProviderOptions | undefined,
): readonly string[] {
  return [['', primary] as const, ['standby_', standby] as const].flatMap(([prefix, provider]) =>
    provider === undefined || provider.kind === 'file'
      ? []
      : ['', `[${parent}.${prefix}${provider.kind}]`, ...keyLines(provider)],
  );
}

function keyLines(provider: ProviderOptions): readonly string[] {
  switch (provider.kind) {
    case 'file':
      return entries({ key_file: provider.keyFile, passphrase_file: provider.passphraseFile });
    case 'yubihsm':
      return [
        `connector = ${quote(provider.connector)}`,
        `auth_key = ${objectIdText(provider.authKeyId)}`,
        `password_file = ${quote(provider.passwordFile)}`,
        `object_id = ${objectIdText(provider.objectId)}`,
        ...entries({ serial: provider.serial }),
        ...timeoutLine(provider.commandTimeoutMs),
      ];
    case 'pkcs11': {
      const { module, token, pinFile, key, commandTimeoutMs } = provider;
      return [
        ...entries({ module, token, pin_file: pinFile }),
        'label' in key ? `key_label = ${quote(key.label)}` : `key_id = ${quote(`0x${key.id}`)}`,
        ...timeoutLine(commandTimeoutMs),
      ];
    }
  }
}

function grpcLines({ listen, tls }: GrpcText): readonly string[] {
  const first = `listen = ${quote(listen)}`;
  if (tls === undefined) return [first, 'insecure = true'];
  return [first, ...entries({ cert: tls.cert, key: tls.key, client_ca: tls.clientCa })];
}

/** Texts by key; what is not given is left out. */
function entries(texts: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.entries(texts).flatMap(([key, text]) =>
    text === undefined ? [] : [`${key} = ${quote(text)}`],
  );
}

function timeoutLine(ms: number | undefined): readonly string[] {
  return ms === undefined || ms === COMMAND_TIMEOUT_MS ? [] : [`command_timeout_ms = ${ms}`];
}

/** A TOML list of texts, on one line. */
export function textsText(texts: readonly string[]): string {
  return `[${texts.map(quote).join(', ')}]`;
}

/** A TOML basic string: JSON's escapes are TOML's, but for DEL, which JSON leaves as it is. */
function quote(text: string): string {
  return JSON.stringify(text).replaceAll('\u007f', '\\u007f');
}
