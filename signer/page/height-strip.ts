/** The last heights of one validator as its own requests and its chain's commits show them. */
import type { Attendance } from '../chain/chain-view.ts';
import type { DecisionOutcome } from '../priv-validator/decision-outcome.ts';
import type { AttendanceJson } from './status-event.ts';

/** Heights on the page. */
export const STRIP_HEIGHTS = 60;

/** Signing times kept of one height: a height in trouble has many rounds. */
const MAX_TIMES = 16;

/** How far above what was signed a refused request is believed: nodes choose those heights. */
const MAX_REFUSED_AHEAD = 10n;

interface Asked {
  isSigned: boolean;
  isRefused: boolean;
  readonly timesMs: number[];
}

/** What the page shows. */
export interface StripPicture {
  readonly strip: readonly AttendanceJson[];
  readonly latencyUs: readonly number[];
}

/** Bounded: 60 heights below the highest one that was signed or committed. */
export class HeightStrip {
  readonly #asked = new Map<bigint, Asked>();
  /** Highest that was signed. */
  #signed: bigint;

  /** @param floorHeight where the floor stands */
  constructor(floorHeight: bigint) {
    this.#signed = floorHeight;
  }

  /** A request has ended. */
  note({ at, outcome, totalMs }: DecisionOutcome): void {
    const { height } = at;
    const isSigned = outcome === 'signed' || outcome === 'repeated';
    if (isSigned && height > this.#signed) this.#signed = height;
    if (height <= this.#signed - BigInt(STRIP_HEIGHTS)) return;
    if (height > this.#signed + MAX_REFUSED_AHEAD) return;
    const asked = this.#askedAt(height);
    if (isSigned) asked.isSigned = true;
    else if (outcome !== 'abandoned') asked.isRefused = true;
    if (outcome === 'signed' && asked.timesMs.length < MAX_TIMES) asked.timesMs.push(totalMs);
  }

  /** @param attendance of the heights that commits tell */
  picture(attendance: readonly Attendance[]): StripPicture {
    const told = new Map(attendance.map((one) => [one.height, one]));
    const heights = [...this.#asked.keys(), ...told.keys(), this.#signed];
    const top = heights.reduce((highest, height) => (height > highest ? height : highest), 0n);
    const bottom = top > BigInt(STRIP_HEIGHTS) ? top - BigInt(STRIP_HEIGHTS) + 1n : 1n;
    const strip: AttendanceJson[] = [];
    const latencyUs: number[] = [];
    for (let height = bottom; height <= top; height++) {
      const asked = this.#asked.get(height);
      strip.push({ height: String(height), state: stateOf(asked, told.get(height)) });
      const median = medianOf(asked?.timesMs ?? []);
      if (median !== undefined) latencyUs.push(Math.round(median * 1000));
    }
    return { strip, latencyUs };
  }

  #askedAt(height: bigint): Asked {
    const known = this.#asked.get(height);
    if (known !== undefined) return known;
    const fresh: Asked = { isSigned: false, isRefused: false, timesMs: [] };
    this.#asked.set(height, fresh);
    const oldest = this.#signed - BigInt(STRIP_HEIGHTS);
    for (const old of this.#asked.keys()) if (old <= oldest) this.#asked.delete(old);
    return fresh;
  }
}

/** The chain's word is the last one; before it, our own. */
function stateOf(asked: Asked | undefined, told: Attendance | undefined): AttendanceJson['state'] {
  if (told?.state === 'signed' || told?.state === 'nil') return 'signed';
  if (told?.state === 'not-in-set') return 'not-in-set';
  if (told?.state === 'absent' && told.isFinal) return 'missed';
  if (asked?.isSigned === true) return 'asked';
  return asked?.isRefused === true ? 'refused' : 'unknown';
}

function medianOf(times: readonly number[]): number | undefined {
  return times.toSorted((a, b) => a - b)[Math.floor((times.length - 1) / 2)];
}
