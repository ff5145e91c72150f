/** The objects, by type and id, in a memory of 256 records and 1024 pages of 126 bytes. */
import { isVisible, type Principal } from './access.ts';
import { DeviceFault, FAULT } from './device-fault.ts';
import { encodeBody } from './object-body.ts';
import { ANY_ID, type NewObject, RESERVED_ID, type StoredObject } from './stored-object.ts';

/** The size of the memory. */
export const STORAGE = { records: 256, pages: 1024, pageBytes: 126 } as const;

/** What an object takes besides its body: our guess, the device does not say. */
const RECORD_HEAD_BYTES = 66;

/** The device's memory. It knows nothing of rights but whether an object is seen at all. */
export class ObjectStore {
  readonly #random: (count: number) => Uint8Array;
  readonly #objects = new Map<number, StoredObject>();
  readonly #generations = new Map<number, number>();

  constructor(deps: { readonly random: (count: number) => Uint8Array }) {
    this.#random = deps.random;
  }

  /** All objects, in the order in which they came. */
  all(): readonly StoredObject[] {
    return [...this.#objects.values()];
  }

  /** Free records and pages. */
  free(): { readonly records: number; readonly pages: number } {
    const pages = this.all().reduce((sum, object) => sum + pagesOf(object), 0);
    return { records: STORAGE.records - this.#objects.size, pages: STORAGE.pages - pages };
  }

  /** The object, whoever asks. */
  get(type: number, id: number): StoredObject | undefined {
    return this.#objects.get(keyOf(type, id));
  }

  /** The object as `principal` sees it. @throws {DeviceFault} 0b when it is absent or out of sight. */
  find(principal: Principal, type: number, id: number): StoredObject {
    const object = this.get(type, id);
    if (object === undefined || !isVisible(principal, object)) {
      throw new DeviceFault(FAULT.objectNotFound);
    }
    return object;
  }

  /** The id can be given to a new object. @throws {DeviceFault} 0c for the reserved one, 11 for one in use. */
  requireFree(type: number, id: number): void {
    if (id === RESERVED_ID) throw new DeviceFault(FAULT.invalidId);
    if (this.get(type, id) !== undefined) throw new DeviceFault(FAULT.objectExists);
  }

  /**
   * Keeps a new object and returns its id, which it chooses when asked for 0.
   *
   * @throws {DeviceFault} 0c for the reserved id, 11 when there is one already, 07 when it is full.
   */
  add(object: NewObject): number {
    this.requireFree(object.type, object.id);
    const id = object.id === ANY_ID ? this.#freeId(object.type) : object.id;
    const key = keyOf(object.type, id);
    const free = this.free();
    if (free.records < 1 || free.pages < pagesOf(object)) {
      throw new DeviceFault(FAULT.storageFailed);
    }
    const sequence = this.#generations.get(key) ?? 0;
    this.#objects.set(key, { ...object, id, sequence });
    this.#generations.set(key, (sequence + 1) & 0xff);
    return id;
  }

  /** Another material in the same object: a changed authentication key. */
  replace(object: StoredObject): void {
    this.#objects.set(keyOf(object.type, object.id), object);
  }

  delete(object: StoredObject): void {
    this.#objects.delete(keyOf(object.type, object.id));
  }

  #freeId(type: number): number {
    for (;;) {
      const [high = 0, low = 0] = this.#random(2);
      const id = high * 256 + low;
      if (id !== ANY_ID && id !== RESERVED_ID && !this.#objects.has(keyOf(type, id))) return id;
    }
  }
}

function keyOf(type: number, id: number): number {
  return type * 0x1_0000 + id;
}

function pagesOf(object: NewObject): number {
  return Math.ceil((RECORD_HEAD_BYTES + encodeBody(object).length) / STORAGE.pageBytes);
}
