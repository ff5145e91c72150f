/** Times as Go's JSON has them, nanoseconds kept: they are part of what validators sign. */
import type { Timestamp } from '@privval/proto/types/timestamp';

const RFC3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/;

/** `undefined` for anything but a UTC time of the years 1 to 9999. */
export function timestampFromRfc3339(text: string): Timestamp | undefined {
  const parts = RFC3339.exec(text);
  if (parts === null) return undefined;
  const ms = Date.parse(`${parts[1]}Z`);
  if (Number.isNaN(ms)) return undefined;
  return { seconds: BigInt(ms / 1_000), nanos: Number((parts[2] ?? '').padEnd(9, '0')) };
}

/** Whole milliseconds since 1970. */
export function msOfTimestamp({ seconds, nanos }: Timestamp): number {
  return Number(seconds) * 1_000 + Math.floor(nanos / 1_000_000);
}
