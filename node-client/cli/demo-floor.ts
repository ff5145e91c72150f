/** The signer's own word on its floor: its admin API, asked again and again. */
import { request } from 'node:http';
import { type AbortOptions, abortable, anySignal } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError } from '@privval/proto/runtime/coded-error';

/** From one asking to the next. */
const PERIOD_MS = 500;

/** Longest wait for an answer. */
const DEADLINE_MS = 2_000;

/** Names of the steps, by FilePV's numbers. */
const STEP_NAMES = ['nothing', 'proposal', 'prevote', 'precommit'] as const;

/** The admin API answered with something else than the floors of a home. */
export class UnexpectedStateError extends CodedError {
  override readonly name = 'UnexpectedStateError';
  readonly code = 'ERR_UNEXPECTED_STATE';

  constructor(answer: string) {
    super(`the signer's admin API answered ${JSON.stringify(answer.slice(0, 200))}`);
  }
}

/** Watches the floor until disposed. Runs one loop; a failed asking is made up for by the next. */
export class FloorWatch implements AsyncDisposable {
  readonly #socketPath: string;
  readonly #clock: Clock;
  readonly #shutdown = new AbortController();
  readonly #loop: Promise<void>;
  #latest: string | undefined;

  private constructor(clock: Clock, socketPath: string) {
    this.#clock = clock;
    this.#socketPath = socketPath;
    this.#loop = this.#watch();
  }

  /** @param options where the signer's `admin.sock` is, or will be. */
  static start(
    deps: { readonly clock: Clock },
    options: { readonly socketPath: string },
  ): FloorWatch {
    return new FloorWatch(deps.clock, options.socketPath);
  }

  /** The floor of the home's first validator when it was last told: `12/0/precommit`. */
  get latest(): string | undefined {
    return this.#latest;
  }

  /**
   * Asks now.
   * @throws {UnexpectedStateError} ERR_UNEXPECTED_STATE, or the system's error when nobody answers.
   */
  async refresh(options: AbortOptions = {}): Promise<void> {
    using deadline = this.#clock.deadline(DEADLINE_MS);
    const signal = anySignal(deadline.signal, options.signal);
    const answer = await abortable(this.#get('/v1/state', signal), { signal });
    const [floor] = parseFloors(answer);
    if (floor === undefined) throw new UnexpectedStateError(answer);
    this.#latest = `${floor.height}/${floor.round}/${STEP_NAMES[floor.step]}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort();
    await this.#loop;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#shutdown;
    while (!signal.aborted) {
      // The API comes up a little after the signing has begun.
      await this.refresh({ signal }).catch(() => undefined);
      await this.#clock.sleep(PERIOD_MS, { signal }).catch(() => undefined);
    }
  }

  #get(path: string, signal: AbortSignal | undefined): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const target = { socketPath: this.#socketPath, path, agent: false as const };
    const asked = request(signal === undefined ? target : { ...target, signal }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('error', reject);
      response.on('end', () => resolve(body));
    });
    asked.on('error', reject);
    asked.end();
    return promise;
  }
}

interface FloorState {
  readonly height: string;
  readonly round: number;
  readonly step: 0 | 1 | 2 | 3;
}

function parseFloors(answer: string): readonly FloorState[] {
  try {
    const floors: unknown = JSON.parse(answer);
    return Array.isArray(floors) ? floors.filter(isFloorState) : [];
  } catch {
    return [];
  }
}

function isFloorState(value: unknown): value is FloorState {
  if (typeof value !== 'object' || value === null) return false;
  const { height, round, step } = value as Readonly<Record<string, unknown>>;
  return (
    typeof height === 'string' &&
    typeof round === 'number' &&
    typeof step === 'number' &&
    step in STEP_NAMES
  );
}
