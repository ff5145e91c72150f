/** What is signed to see whether a key works: never anything a node could take for a vote (S27). */
import { randomBytes } from 'node:crypto';
import { concatBytes, utf8Bytes } from '@privval/proto/runtime/bytes';

/** A length-delimited message that begins with 00 is empty: no vote, proposal or extension in any dialect. */
const START = concatBytes(new Uint8Array([0]), utf8Bytes('privval: does this key sign? '));
const RANDOM_BYTES = 16;

/** A message of 46 bytes, another each time, that begins with byte 00. */
export function checkMessage(): Uint8Array {
  return concatBytes(START, randomBytes(RANDOM_BYTES));
}
