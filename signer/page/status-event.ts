/** What the status page lives on: one picture at first, then events. No bigint, no bytes: JSON as it is sent. */
import type { AbortOptions } from '@privval/proto/runtime/abort';

/** How a validator did at one height. */
export interface AttendanceJson {
  /** Decimal. */
  readonly height: string;
  /** `asked`: signed here, the commit is not known yet. */
  readonly state: 'signed' | 'refused' | 'missed' | 'asked' | 'not-in-set' | 'unknown';
}

/** Something that wants a person. */
export interface AlarmJson {
  readonly code: string;
  readonly text: string;
  /** ISO 8601. */
  readonly since: string;
}

/** One validator on the page. Nothing secret, no paths, no addresses of nodes beyond host and port. */
export interface ValidatorPicture {
  readonly name: string;
  readonly chainId: string;
  readonly address: string;
  readonly isReady: boolean;
  readonly floor: string;
  readonly tip: string | null;
  readonly control: 'signing' | 'frozen' | 'ceiling';
  readonly rotation: { readonly state: string; readonly activationHeight: string | null };
  readonly keys: readonly {
    readonly provider: string;
    readonly state: string;
    readonly isActive: boolean;
  }[];
  readonly nodes: readonly {
    readonly name: string;
    readonly state: string;
    readonly tip: string | null;
  }[];
  /** The last 60 heights, oldest first. */
  readonly strip: readonly AttendanceJson[];
  /** p50 of the last 60 signing times in microseconds, one a height, oldest first. */
  readonly latencyUs: readonly number[];
  readonly alarms: readonly AlarmJson[];
}

/** What is sent: `event: TYPE`, `data: JSON`, `id: NUMBER`. */
export type StatusEvent =
  | {
      readonly type: 'picture';
      readonly validators: readonly ValidatorPicture[];
      readonly version: string;
      readonly startedAt: string;
    }
  /** A validator's whole picture, at most four a second each. */
  | { readonly type: 'validator'; readonly validator: ValidatorPicture };

/**
 * Where events come from. Bounded: of each validator only the newest picture waits for a reader, so a
 * slow one sees fewer of them and costs nothing. Publishing costs next to nothing while nobody reads.
 */
export interface StatusFeed {
  /** Begins with a picture. */
  subscribe(options: AbortOptions): AsyncIterable<StatusEvent>;
  readonly subscribers: number;
}
