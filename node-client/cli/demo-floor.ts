/** The signer's own word on its floor, asked again and again. */
import { type AbortOptions, anySignal } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { runSigner } from './signer-process.ts';

/** From one asking to the next: each is a process of its own, which costs the signer's latency something. */
const PERIOD_MS = 3_000;

const STEP_NAMES = ['nothing', 'proposal', 'prevote', 'precommit'] as const;

/** `signer state show --json` printed something else than the floors of a home. */
export class UnexpectedStateError extends CodedError {
  override readonly name = 'UnexpectedStateError';
  readonly code = 'ERR_UNEXPECTED_STATE';

  constructor(output: string) {
    super(`"signer state show --json" printed ${JSON.stringify(output.slice(0, 200))}`);
  }
}

/**
 * The floor of the home's one validator, as the running signer tells it: `12/0/precommit`.
 *
 * @throws {SignerCommandError} ERR_SIGNER_COMMAND
 * @throws {UnexpectedStateError} ERR_UNEXPECTED_STATE
 */
export async function readFloor(home: string, options: AbortOptions = {}): Promise<string> {
  const output = await runSigner(['state', 'show', '--home', home, '--json'], options);
  const [floor] = parseStates(output);
  if (floor === undefined) throw new UnexpectedStateError(output);
  return `${floor.height}/${floor.round}/${STEP_NAMES[floor.step]}`;
}

/** Watches the floor until disposed. Runs one loop; a failed asking is made up for by the next. */
export class FloorWatch implements AsyncDisposable {
  readonly #home: string;
  readonly #clock: Clock;
  readonly #shutdown = new AbortController();
  readonly #loop: Promise<void>;
  #latest: string | undefined;

  private constructor(clock: Clock, home: string) {
    this.#clock = clock;
    this.#home = home;
    this.#loop = this.#watch();
  }

  static start(deps: { readonly clock: Clock }, options: { readonly home: string }): FloorWatch {
    return new FloorWatch(deps.clock, options.home);
  }

  /** The floor when it was last asked for. */
  get latest(): string | undefined {
    return this.#latest;
  }

  /** Asks now. */
  async refresh(options: AbortOptions = {}): Promise<void> {
    const signal = anySignal(options.signal, this.#shutdown.signal);
    this.#latest = await readFloor(this.#home, { signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort();
    await this.#loop;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#shutdown;
    while (!signal.aborted) {
      await this.refresh().catch(() => undefined);
      await this.#clock.sleep(PERIOD_MS, { signal }).catch(() => undefined);
    }
  }
}

interface FloorState {
  readonly height: string;
  readonly round: number;
  readonly step: 0 | 1 | 2 | 3;
}

function parseStates(output: string): readonly FloorState[] {
  try {
    const states: unknown = JSON.parse(output);
    return Array.isArray(states) ? states.filter(isFloorState) : [];
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
