/** Merlin transcripts (merlin.cool): what two parties said so far, turned into a challenge. */
import { utf8Bytes } from '../runtime/bytes.ts';
import { Strobe128 } from './strobe.ts';

/** Domain of the construction. */
const MERLIN_LABEL = utf8Bytes('Merlin v1.0');
const DOMAIN_SEPARATOR_LABEL = 'dom-sep';

/** One transcript. Both sides append the same things in the same order. Dispose it after the challenge. */
export class MerlinTranscript implements Disposable {
  readonly #strobe = new Strobe128(MERLIN_LABEL);

  constructor(applicationLabel: string) {
    this.append(DOMAIN_SEPARATOR_LABEL, utf8Bytes(applicationLabel));
  }

  /** Adds a message under a label. */
  append(label: string, message: Uint8Array): void {
    this.#strobe.metaAd(utf8Bytes(label), false);
    this.#strobe.metaAd(littleEndian32(message.length), true);
    this.#strobe.ad(message, false);
  }

  /** `length` bytes that both sides compute alike; they become part of the transcript. */
  challenge(label: string, length: number): Uint8Array {
    this.#strobe.metaAd(utf8Bytes(label), false);
    this.#strobe.metaAd(littleEndian32(length), true);
    return this.#strobe.prf(length);
  }

  /** As {@link Strobe128.inspect}. */
  inspect(): ReturnType<Strobe128['inspect']> {
    return this.#strobe.inspect();
  }

  [Symbol.dispose](): void {
    this.#strobe[Symbol.dispose]();
  }
}

function littleEndian32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
