/** Ids of objects: 16 bits, one name space per type. */
import { InvalidRequestError } from '../commands/invalid-request-error.ts';

/** In a command that creates: the device chooses, and its reply says which. */
export const CHOSEN_BY_DEVICE = 0;

/** `0xffff` is reserved: it stands for "none" in the log. */
const MAX_ID = 0xfffe;

/** Two bytes. @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST unless 0 to 0xfffe. */
export function encodeObjectId(id: number, field = 'id'): Uint8Array {
  if (!Number.isInteger(id) || id < 0 || id > MAX_ID) {
    throw new InvalidRequestError(field, `${id} is no object id: they are 0 to 65534 (0xfffe)`);
  }
  return Uint8Array.of(id >>> 8, id & 0xff);
}

/** Reads `100` or `0x0064`. @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST */
export function parseObjectId(text: string): number {
  const id = /^(\d{1,5}|0x[\da-f]{1,4})$/i.test(text) ? Number(text) : Number.NaN;
  if (id <= MAX_ID) return id;
  throw new InvalidRequestError(
    'id',
    `'${text}' is no object id: give 0 to 65534, or 0x0000 to 0xfffe`,
  );
}

/** As the vendor's tools print it: `0x0064`. */
export function formatObjectId(id: number): string {
  return `0x${id.toString(16).padStart(4, '0')}`;
}
