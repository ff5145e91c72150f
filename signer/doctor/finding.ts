/** One thing `signer doctor` looked at. */

/** What it is about, in the order in which they are looked at and printed. */
export const DOCTOR_SUBJECTS = [
  'config',
  'permissions',
  'clock',
  'disk',
  'memory',
  'store',
  'keys',
  'devices',
  'nodes',
  'rpc',
  'floor',
  'audit',
  'rotation',
] as const;

/** A subject. */
export type DoctorSubject = (typeof DOCTOR_SUBJECTS)[number];

/** What came of a look. The command exits with 1 when one is `bad`. */
export interface Finding {
  readonly subject: DoctorSubject;
  /** The validator, node or file looked at; `undefined` for the home. */
  readonly of?: string | undefined;
  readonly state: 'good' | 'note' | 'bad' | 'unknown';
  /** With its number and unit: `disk sync p50 0.11 ms, p99 0.21 ms`. */
  readonly text: string;
  /** With every bad one. */
  readonly remedy?: string | undefined;
  readonly code?: `ERR_${string}` | undefined;
}
