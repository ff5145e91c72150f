/** `google.protobuf.Timestamp`, as Go's well-known-type code reads and writes it. */
import type { Writer } from 'protobufjs/minimal.js';
import type { Timestamp } from '../types/timestamp.ts';
import type { WireReader } from './wire-reader.ts';
import { writeInt64, writeNumberField } from './wire-writer.ts';

const SECONDS = 0x08;
const NANOS = 0x10;

/**
 * Reads the body of a timestamp; an empty one is 1970. Its range is not checked here.
 *
 * A second timestamp in the same field replaces the first (Go's `StdTimeUnmarshal`), it is not
 * merged into it as other nested messages are.
 */
export function readTimestamp(reader: WireReader): Timestamp {
  let seconds = 0n;
  let nanos = 0;
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) seconds = reader.int64();
    else if (field === 2) nanos = reader.number();
    else reader.skip();
  }
  return { seconds, nanos };
}

/** Writes a timestamp field: always there, 1970 as an empty body. */
export function writeTimestamp(writer: Writer, tag: number, time: Timestamp): void {
  writer.uint32(tag).fork();
  if (time.seconds !== 0n) {
    writer.uint32(SECONDS);
    writeInt64(writer, time.seconds);
  }
  writeNumberField(writer, NANOS, time.nanos);
  writer.ldelim();
}
