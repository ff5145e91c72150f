import type { PrivValidator } from '@privval/proto/privval/priv-validator';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import type { DialNode } from '@privval/signer/connection/dial-node';
import { parseNodeAddress } from '@privval/signer/connection/node-address';
import { NodeLink } from '@privval/signer/connection/node-link';
import { describe, expect, it } from 'vitest';
import { GuardedValidator } from '../../harness/guarded-validator.ts';
import { ManualClock } from '../../harness/manual-clock.ts';
import { type MemoryStream, memoryStreamPair } from '../../harness/memory-stream.ts';
import { RecordingLogger } from '../../harness/recording-logger.ts';
import { ScriptedConnection, scriptedVote } from '../../harness/scripted-node.ts';
import { SeededRandom } from '../../harness/seeded-random.ts';

/** What a node that is not there does to a dial. */
class Unreachable extends Error {
  readonly code = 'ECONNREFUSED';
}

/** A link whose node is a memory pipe per dial, or an error. */
class Bench implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly logger = new RecordingLogger();
  readonly validator = new GuardedValidator({ clock: this.clock });
  /** Node ends of the dials that succeeded, in order. */
  readonly nodeEnds: MemoryStream[] = [];
  /** When each dial began. */
  readonly dialedAtMs: number[] = [];
  fault: Error | undefined;
  #stalled: PromiseWithResolvers<void> | undefined;
  #link: NodeLink | undefined;

  link(text = 'unix:///run/privval.sock', privValidator?: PrivValidator): NodeLink {
    const dial: DialNode = async (_address, { signal }) => {
      this.dialedAtMs.push(this.clock.monotonicMs());
      if (this.#stalled !== undefined) {
        signal?.addEventListener('abort', () => this.#stalled?.reject(signal.reason));
        await this.#stalled.promise;
      }
      if (this.fault !== undefined) throw this.fault;
      const [stream, nodeEnd] = memoryStreamPair();
      this.nodeEnds.push(nodeEnd);
      return { stream, peerId: undefined };
    };
    const { clock, logger } = this;
    this.#link = NodeLink.start(
      {
        dial,
        privValidator: privValidator ?? this.validator.privValidator,
        clock,
        logger,
        random: new SeededRandom(1),
      },
      {
        validator: 'guarded',
        chainId: this.validator.chainId,
        address: parseNodeAddress(text),
      },
    );
    return this.#link;
  }

  /** Dials hang from now on. */
  stall(): void {
    this.#stalled = Promise.withResolvers();
  }

  /** The newest connection, as the node has it. */
  async node(): Promise<ScriptedConnection> {
    await this.clock.advance(0);
    const end = this.nodeEnds.at(-1);
    if (end === undefined) throw new Error('no connection yet');
    return new ScriptedConnection(end, this.validator.chainId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#link?.[Symbol.asyncDispose]();
    await this.validator[Symbol.asyncDispose]();
  }
}

describe('a link', () => {
  it('says what it is doing', async () => {
    await using bench = new Bench();
    bench.stall();
    const link = bench.link();
    expect(link.status()).toMatchObject({
      address: 'unix:///run/privval.sock',
      state: 'connecting',
      remote: undefined,
      attempts: 1,
    });
    await link[Symbol.asyncDispose]();
    expect(link.status()).toMatchObject({ state: 'closed' });
  });

  it('is connected once the handshake is done, and serving only once the node has asked', async () => {
    await using bench = new Bench();
    const link = bench.link();
    const node = await bench.node();
    expect(link.status()).toMatchObject({ state: 'connected', requests: 0 });
    await node.ping();
    expect(link.status()).toMatchObject({
      state: 'serving',
      remote: 'memory:right',
      requests: 1,
      failures: 0,
      connectedSinceMs: bench.clock.now(),
      lastError: undefined,
    });
  });

  it.each(['close', 'reset'] as const)(
    'dials again within 50 ms after a %s of a connection that was in use (30)',
    async (how) => {
      await using bench = new Bench();
      const link = bench.link();
      for (let restart = 1; restart <= 20; restart++) {
        const node = await bench.node();
        await node.askHeight(BigInt(restart));
        const end = bench.nodeEnds.at(-1);
        if (how === 'reset') end?.reset();
        else await end?.[Symbol.asyncDispose]();
        await bench.clock.advance(0);
        expect(link.status().state).toBe('backing-off');
        await bench.clock.advance(50);
        expect(bench.nodeEnds).toHaveLength(restart + 1);
      }
      expect(bench.validator.store.floor('guarded')).toMatchObject({ height: 20n });
    },
  );

  it('dials a node that is away for ever, never more than a second apart and never in a busy loop (32)', async () => {
    await using bench = new Bench();
    const link = bench.link();
    bench.fault = new Unreachable('nobody there');
    await (await bench.node()).ping();
    await bench.nodeEnds[0]?.[Symbol.asyncDispose]();
    await bench.clock.advance(0);
    await bench.clock.advance(3_600_000);
    const gaps = bench.dialedAtMs.slice(1).map((at, i) => at - (bench.dialedAtMs[i] ?? 0));
    expect(bench.dialedAtMs.length).toBeGreaterThan(3_600);
    for (const gapMs of gaps) {
      expect(gapMs).toBeGreaterThanOrEqual(25);
      expect(gapMs).toBeLessThanOrEqual(1_000);
    }
    expect(link.status()).toMatchObject({
      state: 'backing-off',
      lastError: { code: 'ECONNREFUSED', text: 'nobody there' },
    });
    bench.fault = undefined;
    await bench.clock.advance(1_000);
    expect(await (await bench.node()).ping()).toEqual({ kind: 'ping' });
  });

  it('tells of a lasting fault once a minute, and of a new one at once', async () => {
    await using bench = new Bench();
    bench.fault = new Unreachable('nobody there');
    bench.link();
    await bench.clock.untilPending();
    await bench.clock.advance(59_000);
    expect(bench.logger.named('no connection to the node')).toHaveLength(1);
    await bench.clock.advance(10_000);
    expect(bench.logger.named('no connection to the node')).toHaveLength(2);
    bench.fault = new TypeError('something else');
    await bench.clock.advance(2_000);
    expect(bench.logger.named('no connection to the node').at(-1)).toMatchObject({
      level: 'warn',
      fields: { validator: 'guarded', code: 'ERR_UNKNOWN', reason: 'something else' },
    });
  });

  it('takes a handshake for no proof: a noise node that hangs up before it asks is backed off from, and the reason told', async () => {
    await using bench = new Bench();
    const link = bench.link(
      'noise://12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5@127.0.0.1:26659',
    );
    for (let i = 0; i < 10; i++) {
      await bench.clock.advance(1_000);
      await bench.nodeEnds.at(-1)?.[Symbol.asyncDispose]();
      await bench.clock.advance(0);
    }
    expect(link.status()).toMatchObject({
      failures: 10,
      lastError: {
        code: 'ERR_NODE_NEVER_ASKED',
        text: expect.stringContaining('peer id'),
      },
    });
    expect(bench.logger.named('no connection to the node')).toHaveLength(1);
    expect(bench.logger.lines.filter(({ level }) => level !== 'debug')).toHaveLength(2);
  });

  it('begins with short delays again after a connection that carried a request', async () => {
    await using bench = new Bench();
    bench.fault = new Unreachable('nobody there');
    const link = bench.link();
    await bench.clock.untilPending();
    await bench.clock.advance(30_000);
    expect(link.status().failures).toBeGreaterThan(20);
    bench.fault = undefined;
    await bench.clock.advance(1_000);
    await (await bench.node()).ping();
    await bench.nodeEnds.at(-1)?.[Symbol.asyncDispose]();
    await bench.clock.advance(0);
    await bench.clock.advance(50);
    expect(link.status()).toMatchObject({ state: 'connected', failures: 0 });
  });

  it.each([
    ['tcp://53ac1ab90ae04fe50c1ed6293c1fde802858bf87@127.0.0.1:1', 'new random key'],
    ['tcp://10.1.2.3:1', 'authenticates nobody'],
  ])('warns of %s once, not at each dial', async (address, words) => {
    await using bench = new Bench();
    bench.fault = new Unreachable('nobody there');
    bench.link(address);
    await bench.clock.advance(10_000);
    const warnings = bench.logger.lines.filter(({ message }) => message.includes(words));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({ level: 'warn', fields: { node: address } });
  });
});

describe('the dispose of a link', () => {
  it('ends a dial, a delay and an idle connection, and leaves no timer', async () => {
    for (const stage of ['dialling', 'backing off', 'connected'] as const) {
      await using bench = new Bench();
      if (stage === 'dialling') bench.stall();
      if (stage === 'backing off') bench.fault = new Unreachable('nobody there');
      const link = bench.link();
      await bench.clock.advance(0);
      await link[Symbol.asyncDispose]();
      await link.closed;
      expect(link.status().state).toBe('closed');
      expect(bench.clock.pending).toBe(0);
      expect(bench.nodeEnds.every((end) => end.disposed === false)).toBe(true);
    }
  });

  it('lets the answer in flight reach the node', async () => {
    await using bench = new Bench();
    const { key } = bench.validator;
    const link = bench.link();
    const node = await bench.node();
    key.hold();
    const asked = node.signVote(scriptedVote({ height: 1n }));
    await key.untilTaken(1);
    const disposed = link[Symbol.asyncDispose]();
    key.release();
    expect(await asked).toMatchObject({ kind: 'signed-vote', vote: { height: 1n } });
    await disposed;
    expect(bench.dialedAtMs).toHaveLength(1);
  });
});

it('a bug below ends the link with an InvariantError, for the process to end with', async () => {
  const privValidator: PrivValidator = {
    publicKey: () => Promise.reject(new InvariantError('cannot be')),
    signVote: () => Promise.reject(new InvariantError('cannot be')),
    signProposal: () => Promise.reject(new InvariantError('cannot be')),
  };
  await using bench = new Bench();
  const link = bench.link('unix:///run/privval.sock', privValidator);
  const failed = expect(link.closed).rejects.toMatchObject({ code: 'ERR_INVARIANT' });
  const node = await bench.node();
  await node.signVote(scriptedVote({ height: 1n })).catch(() => undefined);
  await failed;
});
