/** Answers of a module's process, read with suspicion: what it sends may be anything. Pure. */
import { UnexpectedAnswerError } from './module-errors.ts';
import type { Frame } from './module-frames.ts';
import type { Answers, RequestName, TokenInfo, TokenKey } from './module-protocol.ts';
import { reviveError } from './revive-error.ts';

/** An answer: what it says, and the bytes that came with it. */
export interface ModuleAnswer<Name extends RequestName> {
  readonly value: Answers[Name];
  readonly body: Uint8Array;
}

/**
 * The answer to request `id`.
 *
 * @throws the error it was answered with.
 * @throws {UnexpectedAnswerError} ERR_PKCS11_UNEXPECTED_ANSWER when it is not an answer to that.
 */
export function readAnswer<Name extends RequestName>(
  frame: Frame,
  question: { readonly id: number; readonly name: Name },
): ModuleAnswer<Name> {
  const header = record(frame.header);
  if (header['id'] !== question.id) throw unexpected('an answer to another question');
  if ('error' in header) throw reviveError(header['error']);
  return { value: READERS[question.name](header['ok']), body: frame.body };
}

const READERS: { readonly [Name in RequestName]: (value: unknown) => Answers[Name] } = {
  load: () => null,
  'list-tokens': (value) => list(value).map(tokenInfo),
  'log-in': tokenInfo,
  'list-keys': (value) => list(value).map(tokenKey),
  'open-key': tokenKey,
  sign: () => null,
  generate: tokenKey,
  import: tokenKey,
  remove: () => null,
  close: () => null,
};

function tokenInfo(value: unknown): TokenInfo {
  const fields = record(value);
  return {
    label: text(fields['label']),
    serial: text(fields['serial']),
    manufacturer: text(fields['manufacturer']),
    model: text(fields['model']),
    isInitialized: fields['isInitialized'] === true,
    signsEd25519: fields['signsEd25519'] === true,
  };
}

function tokenKey(value: unknown): TokenKey {
  const fields = record(value);
  const publicKey = fields['publicKey'];
  if (publicKey !== undefined && !/^[0-9a-f]{64}$/.test(text(publicKey))) {
    throw unexpected('a public key that is none');
  }
  return {
    label: text(fields['label']),
    id: text(fields['id']),
    type: text(fields['type']),
    publicKey: publicKey === undefined ? undefined : text(publicKey),
    canSign: fields['canSign'] === true,
    isExtractable: optionalBoolean(fields['isExtractable']),
    isLocal: optionalBoolean(fields['isLocal']),
  };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw unexpected('an answer without fields');
  return value as Readonly<Record<string, unknown>>;
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw unexpected('no list where one belongs');
  return value;
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw unexpected('no text where one belongs');
  return value;
}

function optionalBoolean(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}

function unexpected(reason: string): UnexpectedAnswerError {
  return new UnexpectedAnswerError({ reason });
}
