/** What an approval is bound to: the home, the act, the validator and every word of the request. */
import { createHash } from 'node:crypto';
import { hexFromBytes, utf8Bytes } from '@privval/proto/runtime/bytes';
import { InvariantError } from '@privval/proto/runtime/coded-error';

/** Name of the format; another one would be another hash of the same request. */
const FORMAT = 'privval approval 1';

/** A request that needs a second person. */
export interface ApprovedRequest {
  readonly act: string;
  readonly validator: string | null;
  /** Without `approval`. */
  readonly body: unknown;
}

/** @param homeId 16 bytes: an approval of one home is none of another's. @returns hex */
export function approvalHash(homeId: Uint8Array, request: ApprovedRequest): string {
  const hash = createHash('sha256');
  const { act, validator, body } = request;
  const parts = [FORMAT, homeId, act, validator ?? '', canonicalJson(body)];
  for (const part of parts) {
    const bytes = typeof part === 'string' ? utf8Bytes(part) : part;
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, bytes.length);
    hash.update(length).update(bytes);
  }
  return hexFromBytes(hash.digest());
}

/** JSON with sorted keys and no spaces: the same for every order in which a body was written. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new InvariantError('a body that came as JSON cannot be written');
  return text;
}
