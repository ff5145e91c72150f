import { rmSync } from 'node:fs';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { libp2pPeerIdFromPublicKey } from '@privval/proto/noise/peer-id';
import { dialNode } from '@privval/signer/connection/dial-node';
import { parseNodeAddress } from '@privval/signer/connection/node-address';
import { NodeLink } from '@privval/signer/connection/node-link';
import { describe, expect, it } from 'vitest';
import { GuardedValidator } from '../../harness/guarded-validator.ts';
import { ManualClock } from '../../harness/manual-clock.ts';
import { RecordingLogger } from '../../harness/recording-logger.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import { ScriptedNode, type ScriptedNodeOptions } from '../../harness/scripted-node.ts';
import { SeededRandom } from '../../harness/seeded-random.ts';

const chainId = 'guarded-chain';

/** A validator that dials real sockets with its own clock, which the test moves. */
class Bench implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly logger = new RecordingLogger();
  readonly identity = Ed25519SecretKey.generate();
  readonly folder = new ScratchFolder();
  readonly validator = new GuardedValidator({ clock: this.clock });
  readonly #resources = new AsyncDisposableStack();

  constructor() {
    this.#resources.use(this.folder);
    this.#resources.use(this.identity);
    this.#resources.use(this.validator);
  }

  get peerId(): string {
    return libp2pPeerIdFromPublicKey(this.identity.publicKey);
  }

  async node(options: Partial<ScriptedNodeOptions> & Pick<ScriptedNodeOptions, 'transport'>) {
    const path = this.folder.join('node.sock');
    return this.#resources.use(await ScriptedNode.listen({ chainId, path, ...options }));
  }

  dial(address: string, signal?: AbortSignal) {
    return dialNode(this, parseNodeAddress(address), { signal });
  }

  link(address: string): NodeLink {
    const { clock, logger, identity, validator } = this;
    return this.#resources.use(
      NodeLink.start(
        {
          dial: (to, options) => dialNode({ clock, identity }, to, options),
          privValidator: validator.privValidator,
          clock,
          logger,
          random: new SeededRandom(3),
        },
        {
          validator: validator.name,
          chainId: validator.chainId,
          address: parseNodeAddress(address),
        },
      ),
    );
  }

  /** Moves time on until something is so; sockets need turns of the loop, not time. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await this.clock.advance(10);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

describe('over real sockets', () => {
  it.each(['tcp', 'unix', 'noise'] as const)(
    'a node on %s:// is served, height after height',
    async (transport) => {
      await using bench = new Bench();
      const node = await bench.node({ transport, signerPeerId: bench.peerId });
      const link = bench.link(node.address);
      const connection = await node.accept();
      for (let height = 1n; height <= 20n; height++) {
        const answers = await connection.askHeight(height);
        expect(answers.filter((answer) => 'error' in answer)).toEqual([]);
      }
      expect(link.status()).toMatchObject({
        state: 'serving',
        requests: 80,
        dialect: transport === 'noise' ? 'v0.40' : 'unknown',
      });
    },
  );

  it('the id a tcp node proves is in the status, pinned or not', async () => {
    await using bench = new Bench();
    const node = await bench.node({ transport: 'tcp' });
    for (const pin of ['', `${node.nodeId}@`]) {
      const [connection, dialed] = await Promise.all([
        node.accept(),
        bench.dial(`tcp://${pin}127.0.0.1:${node.port}`),
      ]);
      expect(dialed.peerId).toBe(node.nodeId);
      await dialed.stream[Symbol.asyncDispose]();
      await connection[Symbol.asyncDispose]();
    }
  });

  it.each(['tcp', 'noise'] as const)(
    'a %s node with another id than the pinned one is refused',
    async (transport) => {
      await using bench = new Bench();
      const node = await bench.node({ transport });
      using other = Ed25519SecretKey.generate();
      const pin =
        transport === 'tcp'
          ? '53ac1ab90ae04fe50c1ed6293c1fde802858bf87'
          : libp2pPeerIdFromPublicKey(other.publicKey);
      const accepted = node.accept().catch(() => undefined);
      await expect(
        bench.dial(`${transport}://${pin}@127.0.0.1:${node.port}`),
      ).rejects.toMatchObject({
        code: 'ERR_PEER_ID_MISMATCH',
      });
      await (await accepted)?.[Symbol.asyncDispose]();
    },
  );

  it('a noise node that expects another signer hangs up after the handshake, and the link goes on', async () => {
    await using bench = new Bench();
    using other = Ed25519SecretKey.generate();
    const node = await bench.node({
      transport: 'noise',
      signerPeerId: libp2pPeerIdFromPublicKey(other.publicKey),
    });
    const link = bench.link(node.address);
    await expect(node.accept()).rejects.toThrow();
    await bench.until(() => link.status().failures > 0);
    expect(link.status().lastError).toMatchObject({
      code: expect.stringMatching(/^ERR_(NODE_NEVER_ASKED|STREAM_BROKEN)$/),
    });
  });

  it('nobody at the address is a coded error that names the reason', async () => {
    await using bench = new Bench();
    const gone = await bench.node({ transport: 'tcp' });
    const { address } = gone;
    await gone[Symbol.asyncDispose]();
    await expect(bench.dial(address)).rejects.toMatchObject({
      code: 'ERR_DIAL_FAILED',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    await expect(bench.dial(`unix://${bench.folder.join('absent.sock')}`)).rejects.toMatchObject({
      code: 'ERR_DIAL_FAILED',
      message: expect.stringContaining('ENOENT'),
    });
  });
});

describe('a node that is there and says nothing', () => {
  it.each(['tcp', 'noise'] as const)(
    'on %s:// is waited for 30 s, for it may be serving another signer (29)',
    async (transport) => {
      await using bench = new Bench();
      const node = await bench.node({ transport });
      let outcome: unknown;
      const dialed = bench.dial(node.address).catch((error: unknown) => {
        outcome = error;
      });
      await bench.until(() => node.backlog === 1);
      const leftMs = 30_000 - bench.clock.monotonicMs();
      await bench.clock.advance(leftMs - 1);
      expect(outcome).toBeUndefined();
      // Connecting took some of it: the limit runs from there.
      await bench.clock.advance(1_000);
      await dialed;
      expect(outcome).toMatchObject({ code: 'ERR_HANDSHAKE_TIMEOUT', begun: false });
    },
  );

  it('but had begun the handshake is given up after 5 s', async () => {
    await using bench = new Bench();
    const node = await bench.node({ transport: 'tcp' });
    const dialed = bench.dial(node.address);
    const failed = expect(dialed).rejects.toMatchObject({
      code: 'ERR_HANDSHAKE_TIMEOUT',
      begun: true,
    });
    const stream = await node.acceptStream();
    await stream.write(new Uint8Array([0x22, 0x0a, 0x20]));
    await bench.until(() => bench.clock.pending === 2);
    await bench.clock.advance(5_000);
    await failed;
  });

  it('is waited for no longer when the signer stops', async () => {
    await using bench = new Bench();
    const node = await bench.node({ transport: 'tcp' });
    const link = bench.link(node.address);
    await bench.until(() => node.backlog === 1);
    await link[Symbol.asyncDispose]();
    expect(bench.clock.pending).toBe(0);
  });
});

describe('a hostile or broken node', () => {
  it.each([
    ['garbage instead of a handshake', new Uint8Array(64).fill(0xff)],
    ['a low-order ephemeral key', new Uint8Array([0x22, 0x0a, 0x20, ...new Uint8Array(32)])],
  ])('that sends %s is refused with a code, and dialled again', async (_title, bytes) => {
    await using bench = new Bench();
    const node = await bench.node({ transport: 'tcp' });
    const link = bench.link(node.address);
    const hostile = await node.acceptStream();
    await hostile.write(bytes);
    await bench.until(() => link.status().failures > 0);
    expect(link.status().lastError?.code).toMatch(/^ERR_(BAD_HANDSHAKE|LOW_ORDER_POINT)$/);
    await bench.until(() => node.backlog === 1);
    await hostile[Symbol.asyncDispose]();
    const connection = await node.accept();
    expect(await connection.ping()).toEqual({ kind: 'ping' });
  });

  it('whose frames do not decrypt loses its connection, and nobody else does (23)', async () => {
    await using bench = new Bench();
    const left = await bench.node({ transport: 'tcp' });
    const right = await bench.node({ transport: 'unix' });
    const link = bench.link(left.address);
    bench.link(right.address);
    const healthy = await right.accept();
    const raw = await left.acceptStream();
    const tampered = await left.secure(raw);
    await tampered.ping();
    await raw.write(new Uint8Array(1044).fill(1));
    await bench.until(() => link.status().state === 'backing-off');
    expect(link.status().lastError).toMatchObject({ code: 'ERR_SEALED_FRAME' });
    expect(await healthy.ping()).toEqual({ kind: 'ping' });
  });
});

describe('a node that comes and goes', () => {
  it('is dialled again each time it restarts (32)', async () => {
    await using bench = new Bench();
    const first = await bench.node({ transport: 'tcp' });
    const { port } = first;
    const link = bench.link(first.address);
    let height = 0n;
    let node = first;
    for (let restart = 0; restart < 10; restart++) {
      height += 1n;
      const connection = await node.accept();
      await connection.askHeight(height);
      await node[Symbol.asyncDispose]();
      await bench.until(() => link.status().failures > restart % 3);
      node = await bench.node({ transport: 'tcp', port });
      await bench.until(() => node.backlog === 1);
    }
    expect(bench.validator.store.floor('guarded')).toMatchObject({ height: 10n });
  });

  it('whose socket file appears later is found (33)', async () => {
    await using bench = new Bench();
    const path = bench.folder.join('late.sock');
    const link = bench.link(`unix://${path}`);
    await bench.until(() => link.status().failures > 5);
    const node = await bench.node({ transport: 'unix', path });
    await bench.until(() => node.backlog === 1);
    expect(await (await node.accept()).ping()).toEqual({ kind: 'ping' });
    rmSync(path);
  });
});
