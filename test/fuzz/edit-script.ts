/**
 * Inputs that say how to change what an honest peer would send. Where both sides must agree on a
 * secret first, random bytes never get past the first check; an edited honest message does.
 */
import { equalBytes } from '@privval/proto/runtime/bytes';

/** Bytes of one edit of a given text: place, kind, value. */
const EDIT_BYTES = 3;

/**
 * The edits of an input, sorted by which of `count` texts they are for: each is four bytes, of which
 * the first says that and the others are what {@link edited} takes.
 */
export function scriptsOf(input: Uint8Array, count: number): Uint8Array[] {
  const scripts = Array.from({ length: count }, (): number[] => []);
  for (let at = 0; at < input.length; at += 1 + EDIT_BYTES) {
    // A last one that is cut short counts: what changes nothing is of no use here.
    const [text = 0, place = 0, kind = 0, value = 0] = input.subarray(at);
    scripts[text % count]?.push(place, kind, value);
  }
  return scripts.map((script) => Uint8Array.from(script));
}

/** `honest` after the edits of `script`; without any it is a copy. */
export function edited(honest: Uint8Array, script: Uint8Array): Uint8Array {
  const bytes = Array.from(honest);
  for (let i = 0; i < script.length; i += EDIT_BYTES) {
    const [place = 0, kind = 0, value = 0] = script.subarray(i, i + EDIT_BYTES);
    const at = placeOf(place, bytes.length);
    switch (kind % 4) {
      case 0:
        if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (value || 1);
        break;
      case 1:
        bytes.splice(at, 0, value);
        break;
      case 2:
        bytes.splice(at, 1 + value);
        break;
      default:
        bytes.splice(at, 1, value);
    }
  }
  return Uint8Array.from(bytes);
}

/** Whether edits left the beginning alone. */
export function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return equalBytes(bytes.subarray(0, prefix.length), prefix);
}

/** The lower half of the numbers counts from the start, the upper half from the end: 255 is the end itself. */
function placeOf(place: number, length: number): number {
  return place < 128 ? Math.min(place, length) : Math.max(0, length - (255 - place));
}
