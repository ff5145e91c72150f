/**
 * One member of a JSON-RPC result, found while the answer is still coming in: what lies around it
 * may be many megabytes, and is neither kept nor parsed.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;

/** Longest key looked at. */
const MAX_KEY_BYTES = 64;

/** What is looked for: `result.MEMBER`, and `error` as a whole. */
export interface Sought {
  readonly member: string;
  /** Bytes one of them may have. */
  readonly maxBytes: number;
}

/**
 * Takes the bytes of one answer as they come. Not a validator: of what is skipped only the quotes
 * and brackets count. What is kept is parsed, and an answer that does not end is none.
 */
export class MemberScanner {
  readonly #sought: Sought;
  readonly #found = new Map<string, string>();
  /** Objects and lists around the present byte: their keys, or `undefined` in a list. */
  readonly #path: (string | undefined)[] = [];
  #isInText = false;
  #isEscaped = false;
  /** A text is a key when it begins where one is due. */
  #isKeyDue = false;
  #key: number[] | undefined;
  #kept: { readonly name: string; readonly depth: number; readonly bytes: number[] } | undefined;
  #isBroken = false;
  #hasResult = false;

  constructor(sought: Sought) {
    this.#sought = sought;
  }

  /** @returns false once it is clear that nothing comes of it: brackets that do not match, or too long a member. */
  push(chunk: Uint8Array): boolean {
    for (const byte of chunk) {
      this.#take(byte);
      if (this.#isBroken) return false;
    }
    return true;
  }

  /** Whether there is a result, or an error: else it is no answer. */
  get isAnswer(): boolean {
    return this.#hasResult || this.#found.has('error');
  }

  /** Whether what came is whole. */
  get isWhole(): boolean {
    return !this.#isBroken && !this.#isInText && this.#path.length === 0;
  }

  /** The JSON of the member, of `error`, or neither. */
  found(name: 'member' | 'error'): string | undefined {
    return this.#found.get(name);
  }

  #take(byte: number): void {
    if (this.#kept !== undefined && !this.#isEndOfKept(byte)) this.#keep(byte);
    if (this.#isInText) {
      this.#takeOfText(byte);
      return;
    }
    switch (byte) {
      case QUOTE:
        this.#isInText = true;
        if (this.#isKeyDue) this.#key = [];
        return;
      case OPEN_OBJECT:
        this.#open(true);
        return;
      case OPEN_LIST:
        this.#open(false);
        return;
      case CLOSE_OBJECT:
      case CLOSE_LIST:
        this.#close();
        return;
      case COMMA:
        this.#isKeyDue = this.#path.at(-1) !== undefined;
        return;
      case COLON:
        this.#isKeyDue = false;
        this.#begin();
        return;
      default:
        return;
    }
  }

  #takeOfText(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) {
      this.#isInText = false;
      if (this.#key !== undefined) {
        this.#path[this.#path.length - 1] = String.fromCharCode(...this.#key);
        this.#key = undefined;
      }
      return;
    }
    if (this.#key !== undefined && this.#key.length < MAX_KEY_BYTES) this.#key.push(byte);
  }

  #open(isObject: boolean): void {
    if (isObject && this.#path.length === 1 && this.#path[0] === 'result') this.#hasResult = true;
    this.#path.push(isObject ? '' : undefined);
    this.#isKeyDue = isObject;
  }

  #close(): void {
    if (this.#path.length === 0) {
      this.#isBroken = true;
      return;
    }
    this.#path.pop();
    this.#isKeyDue = false;
  }

  /** After a colon: the value begins with the next byte. */
  #begin(): void {
    const name = this.#nameHere();
    if (name === undefined || this.#kept !== undefined) return;
    this.#kept = { name, depth: this.#path.length, bytes: [] };
  }

  #nameHere(): 'member' | 'error' | undefined {
    const [outer, inner] = this.#path;
    if (this.#path.length === 1) return outer === 'error' ? 'error' : undefined;
    if (this.#path.length !== 2 || outer !== 'result') return undefined;
    return inner === this.#sought.member ? 'member' : undefined;
  }

  /** A comma or closing bracket at the depth at which the value began. */
  #isEndOfKept(byte: number): boolean {
    const kept = this.#kept;
    if (kept === undefined || this.#isInText || this.#path.length !== kept.depth) return false;
    if (byte !== COMMA && byte !== CLOSE_OBJECT && byte !== CLOSE_LIST) return false;
    this.#found.set(kept.name, new TextDecoder().decode(new Uint8Array(kept.bytes)));
    this.#kept = undefined;
    return true;
  }

  #keep(byte: number): void {
    const kept = this.#kept;
    if (kept === undefined) return;
    kept.bytes.push(byte);
    if (kept.bytes.length > this.#sought.maxBytes) this.#isBroken = true;
  }
}
