/**
 * What protobufjs's `Writer` lacks: 64-bit numbers as bigint, fields that are left out when empty,
 * and a result that shares memory with nothing.
 *
 * Writers here name each tag as the byte it is and write fields in the order of their numbers,
 * leaving zeros out: Go's generated code does that, and sign bytes depend on it (spec/privval.md 2.5).
 */
import { Writer } from 'protobufjs/minimal.js';

/** A writer into plain memory; `Writer.create()` would give one into a Buffer, whose slices share it. */
export function newWriter(): Writer {
  return new Writer();
}

/** An int64 as a varint; negative ones take ten bytes. */
export function writeInt64(writer: Writer, value: bigint): void {
  writer.int64(exact(value));
}

/** An int64 as eight bytes, little-endian. */
export function writeSfixed64(writer: Writer, value: bigint): void {
  writer.sfixed64(exact(value));
}

/** A bytes field, unless empty. */
export function writeBytesField(writer: Writer, tag: number, bytes: Uint8Array): void {
  if (bytes.length > 0) writer.uint32(tag).bytes(bytes);
}

/** A string field, unless empty. Its length counts UTF-8 bytes. */
export function writeTextField(writer: Writer, tag: number, text: string): void {
  if (text !== '') writer.uint32(tag).string(text);
}

/** An int32 or uint32 field, unless zero; negative ones take ten bytes. */
export function writeNumberField(writer: Writer, tag: number, value: number): void {
  if (value < 0) writer.uint32(tag).int64(value);
  else if (value > 0) writer.uint32(tag).uint32(value);
}

/** All that was written, in memory of its own. */
export function writtenBytes(writer: Writer): Uint8Array {
  return writer.buf.slice(0, writer.pos);
}

/** What `Writer` takes without loss: a number where it is exact, else decimal digits. */
function exact(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}
