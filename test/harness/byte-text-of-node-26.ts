/**
 * For test runs on Node 24: the texts of `Uint8Array` that tests use and 24 lacks. A newer Node keeps its own.
 *
 * Only test files get them. What they test, and the processes that they start, has to do without.
 */
import {
  base64FromBytes,
  bytesFromBase64,
  bytesFromHex,
  hexFromBytes,
} from '@privval/proto/runtime/bytes';

if (!Object.hasOwn(Uint8Array, 'fromHex')) {
  define(Uint8Array, 'fromHex', bytesFromHex);
  define(Uint8Array, 'fromBase64', fromBase64);
  define(Uint8Array.prototype, 'toHex', function toHex(this: Uint8Array) {
    return hexFromBytes(this);
  });
  define(Uint8Array.prototype, 'toBase64', function toBase64(this: Uint8Array) {
    return base64FromBytes(this);
  });
}

function fromBase64(text: string, options?: { readonly alphabet?: string }): Uint8Array {
  if (options?.alphabet !== 'base64url') return bytesFromBase64(text);
  return new Uint8Array(Buffer.from(text, 'base64url'));
}

function define(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, configurable: true });
}
