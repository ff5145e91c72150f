/** Two devices that fail at random, behind the real gate: what must hold whatever happens to them. */
import { FailOverKey } from '@privval/hsm/fail-over-key';
import type { SigningKey } from '@privval/hsm/signing-key';
import { parseSignBytes } from '@privval/proto/codec/sign-bytes';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { Gate } from '@privval/signer/guard/gate';
import { formatPosition, type Hrs, type Step } from '@privval/signer/guard/hrs';
import { expect, test } from 'vitest';
import { type FakeCondition, FakeProvider } from '../harness/fake-provider.ts';
import { opensslVerifies } from '../harness/independent-ed25519.ts';
import { ManualClock } from '../harness/manual-clock.ts';
import { MemorySignStateStore } from '../harness/memory-sign-state-store.ts';
import { whilePassing } from '../harness/passing-time.ts';
import { RecordingLogger } from '../harness/recording-logger.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { CHAIN, signBytesOf } from '../harness/sign-requests.ts';

const VALIDATOR = 'v';
const POSITIONS = 60;
const STEPS: readonly Step[] = ['propose', 'prevote', 'precommit'];
/** Why an asker goes away. */
const LEFT = new Error('left');
/** A node hangs up after 5 s (spec/privval.md 3.6). */
const NODE_PATIENCE_MS = 5_000;

/** As often healthy as not, and each fault that ends without a restart; two wrong signatures in a row do not. */
const CONDITIONS: readonly [FakeCondition, ...FakeCondition[]] = [
  'healthy',
  'healthy',
  'healthy',
  'healthy',
  'unplugged',
  'unplugged',
  'stalled',
  'failing',
  'another-key',
  'key-missing',
  'wrong-signature-once',
  'wrong-signature-once',
];

/** One life of a validator with two devices. */
class Simulation {
  readonly clock = new ManualClock();
  readonly logger = new RecordingLogger();
  readonly random: SeededRandom;
  readonly devices: readonly [FakeProvider, FakeProvider];
  readonly key: FailOverKey;
  readonly gate: Gate;
  readonly #timedKey: SigningKey;
  /** By position, the one message that was put before a device or released. */
  readonly #messages = new Map<string, string>();
  readonly violations: string[] = [];
  readonly #loose: Promise<void>[] = [];
  readonly tally = { signed: 0, refused: 0, failed: 0, left: 0 };

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    const secret = this.random.bytes(32);
    const device = (name: string): FakeProvider =>
      new FakeProvider(this, { name, seed: secret, signMs: 115 });
    this.devices = [device('first'), device('second')];
    const expected = this.devices[0].publicKey;
    this.key = FailOverKey.start(this, { providers: this.devices, expected });
    const store = new MemorySignStateStore();
    store.addValidator(
      { name: VALIDATOR, chainId: CHAIN, publicKey: expected.bytes },
      { height: 0n, round: 0, step: 'none' },
    );
    this.gate = new Gate({ store, clock: this.clock, logger: this.logger });
    this.#timedKey = {
      publicKey: expected,
      sign: (message, options) => this.#timed(this.key.sign(message, options)),
      [Symbol.asyncDispose]: async () => undefined,
    };
  }

  /** One asker. Its outcome is recorded; nothing but a coded error may come instead of an answer. */
  async ask(at: Hrs, block: string): Promise<void> {
    const signBytes = signBytesOf({ at, block, seconds: this.random.below(3) });
    const abort = new AbortController();
    if (this.random.below(5) === 0) {
      this.clock
        .sleep(this.random.below(1_000))
        .then(() => abort.abort(LEFT))
        .catch(() => undefined);
    }
    try {
      const request = { validator: VALIDATOR, at, signBytes, key: this.#timedKey };
      const result = await this.gate.sign(request, { signal: abort.signal });
      if (result.kind === 'refused') this.tally.refused++;
      else {
        this.tally.signed++;
        this.#see('released', result.signBytes);
        if (!opensslVerifies(this.key.publicKey.bytes, result.signBytes, result.signature)) {
          this.violations.push(`a bad signature was released at ${formatPosition(at)}`);
        }
      }
    } catch (error) {
      if (error === LEFT) this.tally.left++;
      else if (error instanceof CodedError) this.tally.failed++;
      else throw error;
    }
  }

  /** Positions in order, contenders at each, and faults all the while. */
  async live(): Promise<void> {
    let before: Hrs | undefined;
    for (let count = 3; count < 3 + POSITIONS; count++) {
      const at: Hrs = {
        height: BigInt(Math.floor(count / 6)),
        round: Math.floor((count % 6) / 3),
        step: STEPS[count % 3] ?? 'propose',
      };
      const asks: Promise<void>[] = [];
      for (let askers = 1 + this.random.below(4); askers > 0; askers--) {
        asks.push(this.ask(at, `block ${this.random.below(3)}`));
        if (this.random.below(3) === 0) await this.clock.advance(this.random.below(200));
        this.misfortune();
      }
      if (before !== undefined && this.random.below(4) === 0) asks.push(this.ask(before, 'late'));
      // Half of the time the next position is asked for while this one is still being signed.
      if (this.random.below(2) === 0) await whilePassing(this.clock, Promise.all(asks), 25);
      else this.#loose.push(...asks);
      await this.clock.advance(this.random.below(800));
      before = at;
    }
    await whilePassing(this.clock, Promise.all(this.#loose), 25);
  }

  misfortune(): void {
    if (this.random.below(3) !== 0) return;
    this.random.pick(this.devices).condition = this.random.pick(CONDITIONS);
  }

  /** All is well from here on. */
  async heal(): Promise<void> {
    for (const device of this.devices) device.condition = 'healthy';
    await this.clock.advance(0);
    for (let ms = 0; ms < 6_000; ms += 25) await this.clock.advance(25);
  }

  async end(): Promise<void> {
    await whilePassing(this.clock, this.gate[Symbol.asyncDispose]());
    await whilePassing(this.clock, this.key[Symbol.asyncDispose]());
    for (const device of this.devices) {
      for (const message of device.taken) this.#see(`put before ${device.name}`, message);
      if (device.misdirected > 0) this.violations.push(`${device.name} signed with another key`);
      if (device.openKeys !== 0) this.violations.push(`${device.name} was left open`);
    }
    this.#checkReturns();
  }

  /** Each change of the active provider has an outage of the one before as its reason. */
  #checkReturns(): void {
    let faulted = new Set<unknown>();
    for (const { message, fields } of this.logger.lines) {
      if (message === 'this provider is out of service') faulted.add(fields['provider']);
      if (!message.startsWith('fail-over')) continue;
      if (!faulted.has(fields['before'])) {
        this.violations.push(`left ${String(fields['before'])} without need`);
      }
      // What befell the one that signs now, before it signed, is no reason to leave it again.
      faulted = new Set([...faulted].filter((name) => name !== fields['provider']));
    }
  }

  /** No signature takes so long that a node hangs up for it alone. */
  async #timed(signed: Promise<Uint8Array>): Promise<Uint8Array> {
    const startMs = this.clock.monotonicMs();
    try {
      return await signed;
    } finally {
      const tookMs = this.clock.monotonicMs() - startMs;
      if (tookMs >= NODE_PATIENCE_MS) this.violations.push(`the key took ${tookMs} ms`);
    }
  }

  #see(what: string, signBytes: Uint8Array): void {
    const said = parseSignBytes(signBytes);
    const step = said.kind === 'vote' ? said.type : 'propose';
    const position = formatPosition({ height: said.height, round: said.round, step });
    const message = signBytes.toHex();
    const first = this.#messages.get(position) ?? message;
    this.#messages.set(position, first);
    if (first !== message) this.violations.push(`${what} at ${position}: another message`);
  }
}

test.each(Array.from({ length: 40 }, (_, seed) => seed))(
  'two devices that fail at random never make two messages of one position, and are back when the faults end (S5, S20, S26, S28, S29; seed %i)',
  async (seed) => {
    const life = new Simulation(seed);
    await life.live();
    await life.heal();
    const health = life.key.health();
    for (const [index, { state }] of health.entries()) {
      // Two signatures that do not verify end a device; nothing else does.
      const isOver = (life.devices[index]?.wrongSignatures ?? 0) >= 2;
      if (!isOver) expect(state).not.toBe('out-of-service');
    }
    if (health.some(({ state }) => state !== 'out-of-service')) {
      const before = life.tally.signed;
      while (life.tally.signed === before) {
        await whilePassing(
          life.clock,
          life.ask({ height: 1_000n, round: 0, step: 'propose' }, 'A'),
        );
      }
    }
    await life.end();
    expect(life.violations).toEqual([]);
    expect(life.tally.signed).toBeGreaterThan(0);
  },
);

test('the random lives are lives: signatures, refusals, faults, abandoned requests and fail-overs, plenty of each', async () => {
  const total = { signed: 0, refused: 0, failed: 0, left: 0, failOvers: 0, backOnProbation: 0 };
  for (let seed = 0; seed < 40; seed++) {
    const life = new Simulation(seed);
    await life.live();
    await life.end();
    for (const name of ['signed', 'refused', 'failed', 'left'] as const) {
      total[name] += life.tally[name];
    }
    for (const { message } of life.logger.lines) {
      if (message.startsWith('fail-over')) total.failOvers++;
      if (message.includes('its signature on probation was good')) total.backOnProbation++;
    }
  }
  const rare = Object.entries(total).filter(([, count]) => count <= 20);
  expect(rare).toEqual([]);
});
