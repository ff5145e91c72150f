/** Ids, serials and addresses of devices as people write them. */
import { CodedError } from '@privval/proto/runtime/coded-error';

/** 0 lets the device choose and 0xffff is reserved: neither names a key. */
const MAX_OBJECT_ID = 0xfffe;

/** A text or number is not the id, serial or address of a device or of something in it. */
export class InvalidDeviceValueError extends CodedError {
  override readonly name = 'InvalidDeviceValueError';
  readonly code = 'ERR_INVALID_DEVICE_VALUE';
}

/**
 * An object's id in a YubiHSM: `100` or `0x0064`.
 *
 * @throws {InvalidDeviceValueError} ERR_INVALID_DEVICE_VALUE
 */
export function parseObjectId(text: string): number {
  const id = /^(0[xX][0-9a-fA-F]{1,4}|[0-9]{1,5})$/.test(text) ? Number(text) : Number.NaN;
  if (id >= 1 && id <= MAX_OBJECT_ID) return id;
  throw new InvalidDeviceValueError(
    `${quoted(text)} is no object id: 1 to ${MAX_OBJECT_ID}, decimal or 0x0001 to 0xfffe`,
  );
}

/**
 * A YubiHSM's serial, in the ten digits the device shows.
 *
 * @throws {InvalidDeviceValueError} ERR_INVALID_DEVICE_VALUE
 */
export function parseSerial(text: string): string {
  if (/^[0-9]{1,10}$/.test(text)) return text.padStart(10, '0');
  throw new InvalidDeviceValueError(
    `${quoted(text)} is no serial: up to ten digits, as signer hsm detect prints them`,
  );
}

/**
 * The address of a connector, without a slash at its end. A password in it is refused, not quoted.
 *
 * @throws {InvalidDeviceValueError} ERR_INVALID_DEVICE_VALUE
 */
export function parseConnectorUrl(text: string): string {
  const url = URL.parse(text);
  const isPlain =
    url !== null &&
    url.protocol === 'http:' &&
    `${url.username}${url.password}${url.search}${url.hash}` === '' &&
    url.pathname === '/';
  if (isPlain) return url.origin;
  throw new InvalidDeviceValueError(
    "a connector's address is http://HOST:PORT and nothing more, such as http://127.0.0.1:12345",
  );
}

/**
 * A PKCS#11 key's CKA_ID, as hexadecimal digits in lower case. It has to be written with 0x: an id
 * is bytes, and `10` could be meant either way.
 *
 * @throws {InvalidDeviceValueError} ERR_INVALID_DEVICE_VALUE
 */
export function parseKeyId(text: string): string {
  const digits = /^0[xX]((?:[0-9a-fA-F]{2}){1,64})$/.exec(text)?.[1];
  if (digits !== undefined) return digits.toLowerCase();
  throw new InvalidDeviceValueError(
    `${quoted(text)} is no key id: 0x and an even number of hexadecimal digits, such as 0x01`,
  );
}

/** What is long may be a misplaced secret. */
function quoted(text: string): string {
  return text.length <= 20 ? JSON.stringify(text) : 'a long text';
}
