/** Wire time: never a `Date`, which would lose the nanoseconds that are signed. */

/** A `google.protobuf.Timestamp`. Before 1970 `seconds` is negative and `nanos` still counts up. */
export interface Timestamp {
  readonly seconds: bigint;
  /** 0 … 999,999,999. */
  readonly nanos: number;
}

/** Go's zero time, 0001-01-01T00:00:00Z: what an absent timestamp field means (spec/privval.md 2.5, rule 9). */
export const ZERO_TIME: Timestamp = { seconds: -62_135_596_800n, nanos: 0 };

/** 10000-01-01T00:00:00Z, the first second that cannot be encoded. */
const END_OF_TIME_SECONDS = 253_402_300_800n;

/** Whether Go can encode it: year 1 to 9999 and whole nanoseconds (spec/privval.md 2.5, rule 7). */
export function isValidTimestamp(time: Timestamp): boolean {
  return (
    time.seconds >= ZERO_TIME.seconds &&
    time.seconds < END_OF_TIME_SECONDS &&
    Number.isInteger(time.nanos) &&
    time.nanos >= 0 &&
    time.nanos < 1_000_000_000
  );
}

/** The instant `ms` milliseconds after 1970; fractions of a millisecond become nanoseconds. */
export function timestampFromMs(ms: number): Timestamp {
  const nanosTotal = BigInt(Math.round(ms * 1_000_000));
  const nanos = ((nanosTotal % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return { seconds: (nanosTotal - nanos) / 1_000_000_000n, nanos: Number(nanos) };
}

/** Whether both are the same instant. */
export function equalTimestamps(a: Timestamp, b: Timestamp): boolean {
  return a.seconds === b.seconds && a.nanos === b.nanos;
}
