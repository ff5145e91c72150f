/** A PKCS#11 token as a file: its content, what becomes of it, and what was done with it. */

import { createPrivateKey, createPublicKey } from 'node:crypto';
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { hexFromBytes } from '@privval/proto/runtime/bytes';

/** An object: its attributes by number, in hexadecimal. */
export type FakeObject = Readonly<Record<number, string>>;

/**
 * What the module does instead of answering, the next time one of its functions is called; orders for
 * one function are followed in turn. `nothing`: this time it answers.
 */
export interface FakeOrder {
  /** Name of the function: `C_Sign`. */
  readonly method: string;
  /** A CK_RV; or: never return, end the process, print nonsense where answers go, sign badly. */
  readonly instead:
    | number
    | 'nothing'
    | 'hang'
    | 'crash'
    | 'garbage'
    | 'wrong-signature'
    | 'short-signature';
  /** How often; it is then forgotten. @default 1 */
  readonly times?: number;
}

/** A token. */
export interface FakeToken {
  readonly label: string;
  readonly serial: string;
  readonly pin: string;
  readonly flags: number;
  readonly isPlugged: boolean;
  /** Sessions that were opened before this number grew are gone. */
  readonly epoch: number;
  readonly objects: readonly FakeObject[];
  /** Mechanisms and their flags. */
  readonly mechanisms: Readonly<Record<number, number>>;
  /** CKA_EC_PARAMS it takes for a new key, in hexadecimal. */
  readonly curves: readonly string[];
  readonly takesKeys: boolean;
  readonly maxMessageBytes: number;
}

/** All that a fake module is made of. */
export interface FakeModuleState {
  readonly tokens: readonly FakeToken[];
  readonly orders: readonly FakeOrder[];
}

const INITIALIZED = 0x400;
const PRINTABLE = '130c656477617264733235353139';
const OID = '06032b6570';

/** A token with nothing in it, PIN `1234`, that does all that SoftHSM does. */
export function fakeToken(fields: Partial<FakeToken> = {}): FakeToken {
  return {
    label: 'validators',
    serial: '0001',
    pin: '1234',
    flags: INITIALIZED,
    isPlugged: true,
    epoch: 0,
    objects: [],
    mechanisms: { 4181: 0x1_0000, 4183: 0x2800 },
    curves: [PRINTABLE, OID],
    takesKeys: true,
    maxMessageBytes: 4_194_304,
    ...fields,
  };
}

/** Both halves of an Ed25519 key, as SoftHSM keeps them: the private one has no CKA_EC_POINT. */
export function fakeKeyPair(
  seed: Uint8Array,
  name: { readonly label: string; readonly id: string },
): readonly FakeObject[] {
  const label = Buffer.from(name.label).toString('hex');
  const common = { 1: '01', 3: label, 256: ulong(0x40), 258: name.id, 384: PRINTABLE };
  return [
    {
      ...common,
      0: ulong(3),
      2: '01',
      259: '01',
      264: '01',
      354: '00',
      355: '00',
      17: hexFromBytes(seed),
    },
    { ...common, 0: ulong(2), 2: '00', 266: '01', 385: `0420${hexFromBytes(publicKeyOf(seed))}` },
  ];
}

/** A CK_ULONG of a 64-bit machine. */
export function ulong(value: number): string {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return hexFromBytes(bytes);
}

/** The key that signs, as OpenSSL has it. */
export function privateKeyOf(seed: Uint8Array): ReturnType<typeof createPrivateKey> {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

/** 32 bytes, by OpenSSL. */
export function publicKeyOf(seed: Uint8Array): Uint8Array {
  const der = createPublicKey(privateKeyOf(seed)).export({ format: 'der', type: 'spki' });
  return new Uint8Array(der.subarray(-32));
}

/** The file of a fake module, which any number of processes use, and the list of calls beside it. */
export class FakeModuleFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** A module with these tokens. */
  static create(path: string, ...tokens: readonly FakeToken[]): FakeModuleFile {
    const file = new FakeModuleFile(path);
    file.write({ tokens, orders: [] });
    writeFileSync(`${path}.calls`, '');
    return file;
  }

  read(): FakeModuleState {
    return JSON.parse(readFileSync(this.path, 'utf8')) as FakeModuleState;
  }

  /** All at once, so that a reader in another process never sees half of it. */
  write(state: FakeModuleState): void {
    writeFileSync(`${this.path}.new`, JSON.stringify(state));
    renameSync(`${this.path}.new`, this.path);
  }

  /** Changes the first token. */
  change(fields: Partial<FakeToken>): void {
    const { tokens, orders } = this.read();
    const [first = fakeToken(), ...others] = tokens;
    this.write({ tokens: [{ ...first, ...fields }, ...others], orders });
  }

  /** Takes the first token out: every session on it is gone for good. */
  unplug(): void {
    const [token = fakeToken()] = this.read().tokens;
    this.change({ isPlugged: false, epoch: token.epoch + 1 });
  }

  /** Puts it back. */
  plug(): void {
    this.change({ isPlugged: true });
  }

  /** The token forgets every session, as after a reset. */
  forgetSessions(): void {
    const [token = fakeToken()] = this.read().tokens;
    this.change({ epoch: token.epoch + 1 });
  }

  /** Forgets all orders. */
  behave(): void {
    this.write({ ...this.read(), orders: [] });
  }

  /** Has the module misbehave. */
  order(...orders: readonly FakeOrder[]): void {
    const state = this.read();
    this.write({ ...state, orders: [...state.orders, ...orders] });
  }

  /** The order for this call, if there is one; it is used up by this. */
  take(method: string): FakeOrder['instead'] | undefined {
    const state = this.read();
    const order = state.orders.find((each) => each.method === method);
    if (order === undefined) return undefined;
    const times = (order.times ?? 1) - 1;
    const rest = state.orders.filter((each) => each !== order);
    this.write({ ...state, orders: times > 0 ? [{ ...order, times }, ...rest] : rest });
    return order.instead;
  }

  /** Notes a call that is being made. */
  note(method: string): void {
    appendFileSync(`${this.path}.calls`, `${method}\n`);
  }

  /** How often this function was called, by all processes. */
  calls(method: string): number {
    const lines = readFileSync(`${this.path}.calls`, 'utf8').split('\n');
    return lines.filter((line) => line === method).length;
  }
}
