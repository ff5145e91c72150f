/** The status as JSON text: made at most every 50 ms, however often it is asked for. */
import type { Clock } from '@privval/proto/runtime/clock';
import type { SignerStatus } from '../signer-status.ts';
import { statusJson } from './status-json.ts';

/** A picture of the past is no older than this. */
const MAX_AGE_MS = 50;

/** Collaborators of {@link StatusText}. */
export interface StatusTextDeps {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly status: () => SignerStatus;
}

/** The text, kept for a moment: a hundred requests a second cost as much as twenty. */
export class StatusText {
  readonly #deps: StatusTextDeps;
  readonly #program: { readonly version: string; readonly pid: number };
  #text = '';
  #untilMs = Number.NEGATIVE_INFINITY;

  constructor(deps: StatusTextDeps, program: { readonly version: string; readonly pid: number }) {
    this.#deps = deps;
    this.#program = program;
  }

  get(): string {
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs >= this.#untilMs) {
      this.#text = JSON.stringify(statusJson(this.#deps.status(), this.#program));
      this.#untilMs = nowMs + MAX_AGE_MS;
    }
    return this.#text;
  }

  /** An act has changed something: the next one asks anew. */
  forget(): void {
    this.#untilMs = Number.NEGATIVE_INFINITY;
  }
}
