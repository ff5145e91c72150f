import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { GrpcEndpoint, type GrpcTlsFiles } from '@privval/node-client/privval/grpc-endpoint';
import type { PrivvalRequest, PrivvalResponse } from '@privval/proto/privval/messages';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { systemClock } from '@privval/proto/runtime/clock';
import { silentLogger } from '@privval/proto/runtime/logger';
import { GrpcLink } from '@privval/signer/connection/grpc-link';
import { GrpcListener } from '@privval/signer/connection/grpc-listener';
import { createGrpcCertificates, GRPC_FILES } from '@privval/signer/home/grpc-certificates';
import { describe, expect, it } from 'vitest';
import { GuardedValidator } from '../../harness/guarded-validator.ts';
import { ManualClock } from '../../harness/manual-clock.ts';
import { RecordingLogger } from '../../harness/recording-logger.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import { scriptedProposal, scriptedVote } from '../../harness/scripted-node.ts';
import { SeededRandom } from '../../harness/seeded-random.ts';

type Question = Extract<PrivvalRequest, { kind: 'public-key' | 'sign-vote' | 'sign-proposal' }>;

/** gRPC statuses the reference server fails with (spec/privval.md 2.9). */
const NOT_FOUND = 5;
const INVALID_ARGUMENT = 3;

/** A validator served over plaintext gRPC on loopback, and a node that calls it. */
class Bench implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly logger = new RecordingLogger();
  readonly validator = new GuardedValidator({ clock: this.clock, logger: this.logger });
  readonly #resources = new AsyncDisposableStack();

  constructor() {
    this.#resources.use(this.validator);
  }

  async listen(): Promise<GrpcListener> {
    const { privValidator, chainId } = this.validator;
    return this.#resources.use(
      await GrpcListener.listen(
        { privValidator, clock: systemClock, logger: this.logger },
        { chainId, listen: { host: '127.0.0.1', port: 0, tls: undefined } },
      ),
    );
  }

  async node(port: number): Promise<GrpcEndpoint> {
    const address = { kind: 'grpc', host: '127.0.0.1', port, tls: false } as const;
    return this.#resources.use(
      await GrpcEndpoint.dial({ clock: systemClock, logger: silentLogger }, { address }),
    );
  }

  vote(
    position: Parameters<typeof scriptedVote>[0],
    chainId: string = this.validator.chainId,
  ): Question {
    const vote = scriptedVote(position);
    return { kind: 'sign-vote', chainId, vote, skipExtensionSigning: false };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

function ask(
  node: GrpcEndpoint,
  question: Question,
  options: AbortOptions = {},
): Promise<PrivvalResponse> {
  return node.ask(question, (answer) => answer, options);
}

describe('the gRPC service', () => {
  it('answers what a v0.35 node asks', async () => {
    await using bench = new Bench();
    const { chainId, key } = bench.validator;
    const listener = await bench.listen();
    const node = await bench.node(listener.port);
    expect(await ask(node, { kind: 'public-key', chainId })).toMatchObject({
      publicKey: key.publicKey,
    });
    const proposal = scriptedProposal({ height: 1n });
    expect(await ask(node, { kind: 'sign-proposal', chainId, proposal })).toMatchObject({
      proposal: { height: 1n, signature: expect.objectContaining({ length: 64 }) },
    });
    expect(await ask(node, bench.vote({ height: 1n, type: 'precommit' }))).toMatchObject({
      vote: { height: 1n, extensionSignature: expect.objectContaining({ length: 64 }) },
    });
    expect(listener.requests).toBe(3);
  });

  it('S23: refuses with a status, never with an OK that carries an error (74)', async () => {
    await using bench = new Bench();
    const { chainId } = bench.validator;
    const node = await bench.node((await bench.listen()).port);
    await ask(node, bench.vote({ height: 5n }));
    expect(await ask(node, bench.vote({ height: 5n, block: 2 }))).toMatchObject({
      kind: 'signed-vote',
      error: {
        code: INVALID_ARGUMENT,
        description: expect.stringMatching(/^error signing vote: .*ERR_CONFLICTING/),
      },
    });
    const proposal = scriptedProposal({ height: 4n });
    expect(await ask(node, { kind: 'sign-proposal', chainId, proposal })).toMatchObject({
      error: {
        code: INVALID_ARGUMENT,
        description: expect.stringMatching(/^error signing proposal: /),
      },
    });
  });

  it('S24: refuses another chain in each method (37)', async () => {
    await using bench = new Bench();
    const node = await bench.node((await bench.listen()).port);
    const chainId = 'other';
    const proposal = scriptedProposal({ height: 1n });
    expect(await ask(node, { kind: 'public-key', chainId })).toMatchObject({
      error: { code: NOT_FOUND, description: 'error getting pubkey: unable to provide pubkey' },
    });
    expect(await ask(node, bench.vote({ height: 1n }, chainId))).toMatchObject({
      error: { code: INVALID_ARGUMENT, description: 'error signing vote: unable to sign vote' },
    });
    expect(await ask(node, { kind: 'sign-proposal', chainId, proposal })).toMatchObject({
      error: { code: INVALID_ARGUMENT },
    });
    expect(bench.validator.store.floor('guarded')).toMatchObject({ height: 0n });
  });

  it('S23: a request with impossible content is refused with a status (38, 40)', async () => {
    await using bench = new Bench();
    const node = await bench.node((await bench.listen()).port);
    const question = bench.vote({ height: -1n });
    expect(await ask(node, question)).toMatchObject({ error: { code: INVALID_ARGUMENT } });
    expect(bench.validator.key.taken).toEqual([]);
  });

  it('a fault of the key is a status too', async () => {
    await using bench = new Bench();
    const node = await bench.node((await bench.listen()).port);
    bench.validator.key.health = 'failing';
    expect(await ask(node, bench.vote({ height: 1n }))).toMatchObject({
      error: { description: expect.stringContaining('ERR_FAKE_DEVICE_FAILED') },
    });
  });

  it('S25: a call that is cancelled while signing leaves its floor, and the repeat gets the stored signature (75)', async () => {
    await using bench = new Bench();
    const { key, store } = bench.validator;
    const node = await bench.node((await bench.listen()).port);
    const giveUp = new AbortController();
    key.hold();
    const given = ask(node, bench.vote({ height: 1n }), giveUp);
    const cancelled = expect(given).rejects.toBe('given up');
    await key.untilTaken(1);
    giveUp.abort('given up');
    await cancelled;
    // The cancel has to reach the one who waits for the key, while the key is still at work.
    while (bench.logger.named('abandoned').length === 0) await bench.clock.advance(0);
    expect(store.floor('guarded')).toMatchObject({ height: 1n, step: 'prevote' });
    key.release();
    const repeat = bench.vote({ height: 1n, seconds: 1_800_000_000 });
    expect(await ask(node, repeat)).toMatchObject({
      vote: { timestamp: { seconds: 1_700_000_000n } },
    });
  });

  it('S22: leaves out of the answer an extension the node could not read (68)', async () => {
    await using bench = new Bench();
    const node = await bench.node((await bench.listen()).port);
    const extension = new Uint8Array(1024 * 1024).fill(1);
    const answer = await ask(node, bench.vote({ height: 1n, type: 'precommit', extension }));
    expect(answer).toMatchObject({ vote: { extension: { length: 0 } } });
    expect(answer).toMatchObject({ vote: { extensionSignature: { length: 64 } } });
  });

  it('lets the call in flight finish when it is stopped', async () => {
    await using bench = new Bench();
    const { key } = bench.validator;
    const listener = await bench.listen();
    const node = await bench.node(listener.port);
    key.hold();
    const asked = ask(node, bench.vote({ height: 1n }));
    await key.untilTaken(1);
    const disposed = listener[Symbol.asyncDispose]();
    key.release();
    expect(await asked).toMatchObject({ vote: { height: 1n } });
    await disposed;
  });
});

describe('mutual TLS', () => {
  /** A listener with certificates as `signer init` makes them, and the node's files. */
  async function secured(bench: Bench, folder: ScratchFolder) {
    const { privValidator, chainId } = bench.validator;
    const make = (name: string): string => {
      createGrpcCertificates(folder.join(name), {
        validator: 'guarded',
        host: '127.0.0.1',
        needsServer: true,
        needsClient: true,
        nowMs: Date.now(),
      });
      return folder.join(name);
    };
    const own = make('own');
    const listener = await GrpcListener.listen(
      { privValidator, clock: systemClock, logger: bench.logger },
      {
        chainId,
        listen: {
          host: '127.0.0.1',
          port: 0,
          tls: {
            certFile: join(own, GRPC_FILES.serverCert),
            keyFile: join(own, GRPC_FILES.serverKey),
            clientCaFile: join(own, GRPC_FILES.clientCa),
          },
        },
      },
    );
    const address = { kind: 'grpc', host: 'localhost', port: listener.port, tls: true } as const;
    const dial = (tls: GrpcTlsFiles) =>
      GrpcEndpoint.dial({ clock: systemClock, logger: silentLogger }, { address, tls });
    return { listener, dial, own, foreign: make('foreign') };
  }

  it('a node with a certificate of our authority is served', async () => {
    using folder = new ScratchFolder();
    await using bench = new Bench();
    const { listener, dial, own } = await secured(bench, folder);
    await using _ = listener;
    await using node = await dial({
      rootCaFile: join(own, GRPC_FILES.nodeRootCa),
      certificateFile: join(own, GRPC_FILES.nodeCert),
      keyFile: join(own, GRPC_FILES.nodeKey),
    });
    expect(await ask(node, bench.vote({ height: 1n }))).toMatchObject({ vote: { height: 1n } });
  });

  it.each(['none', 'another authority’s'])('a node with %s certificate is not', async (which) => {
    using folder = new ScratchFolder();
    await using bench = new Bench();
    const { listener, dial, own, foreign } = await secured(bench, folder);
    await using _ = listener;
    const certificate = {
      certificateFile: join(foreign, GRPC_FILES.nodeCert),
      keyFile: join(foreign, GRPC_FILES.nodeKey),
    };
    await using node = await dial({
      rootCaFile: join(own, GRPC_FILES.nodeRootCa),
      ...(which === 'none' ? {} : certificate),
    });
    await expect(ask(node, bench.vote({ height: 1n }))).rejects.toMatchObject({
      code: 'ERR_GRPC_CALL',
    });
    expect(listener.requests).toBe(0);
    expect(bench.validator.store.floor('guarded')).toMatchObject({ height: 0n });
  });

  it('is TLS 1.3: a client that offers no more than 1.2 gets no connection', async () => {
    using folder = new ScratchFolder();
    await using bench = new Bench();
    const { listener, own } = await secured(bench, folder);
    await using _ = listener;
    const handshake = (maxVersion: 'TLSv1.2' | 'TLSv1.3'): Promise<string> => {
      const { promise, resolve } = Promise.withResolvers<string>();
      const socket = connect({
        host: '127.0.0.1',
        port: listener.port,
        maxVersion,
        ALPNProtocols: ['h2'],
        ca: readFileSync(join(own, GRPC_FILES.nodeRootCa)),
        cert: readFileSync(join(own, GRPC_FILES.nodeCert)),
        key: readFileSync(join(own, GRPC_FILES.nodeKey)),
      });
      socket.once('secureConnect', () => resolve(socket.getProtocol() ?? 'none'));
      socket.once('error', (error: Error & { code?: string }) => resolve(error.code ?? 'error'));
      return promise.finally(() => socket.destroy());
    };
    expect(await handshake('TLSv1.3')).toBe('TLSv1.3');
    expect(await handshake('TLSv1.2')).toMatch(/^ERR_SSL_/);
  });

  it('files that are no certificates are a coded error', async () => {
    using folder = new ScratchFolder();
    await using bench = new Bench();
    const { privValidator, chainId } = bench.validator;
    const file = folder.join('x.pem');
    writeFileSync(file, 'no certificate');
    for (const certFile of [file, folder.join('absent.pem')]) {
      const tls = { certFile, keyFile: file, clientCaFile: file };
      await expect(
        GrpcListener.listen(
          { privValidator, clock: systemClock, logger: silentLogger },
          { chainId, listen: { host: '127.0.0.1', port: 0, tls } },
        ),
      ).rejects.toMatchObject({ code: 'ERR_GRPC_CERTIFICATE' });
    }
  });
});

describe('where gRPC is served', () => {
  it('plaintext beyond loopback is refused', async () => {
    await using bench = new Bench();
    const { privValidator, chainId } = bench.validator;
    for (const host of ['0.0.0.0', '::', '192.168.1.1', 'node.example.org']) {
      await expect(
        GrpcListener.listen(
          { privValidator, clock: systemClock, logger: silentLogger },
          { chainId, listen: { host, port: 0, tls: undefined } },
        ),
      ).rejects.toMatchObject({ code: 'ERR_GRPC_INSECURE_ADDRESS' });
    }
  });

  it('a port that is taken is tried again until it is free', async () => {
    await using bench = new Bench();
    const { privValidator, chainId } = bench.validator;
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const bound = holder.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    const link = GrpcLink.start(
      { privValidator, clock: bench.clock, logger: bench.logger, random: new SeededRandom(1) },
      { validator: 'guarded', chainId, listen: { host: '127.0.0.1', port, tls: undefined } },
    );
    while (bench.logger.named('cannot serve gRPC').length === 0) await bench.clock.advance(10);
    await bench.clock.untilPending();
    expect(link.status()).toMatchObject({
      state: 'backing-off',
      lastError: { code: 'ERR_GRPC_LISTEN_FAILED' },
    });
    await new Promise((resolve) => holder.close(resolve));
    while (link.status().state !== 'listening') await bench.clock.advance(100);
    const node = await bench.node(port);
    expect(await ask(node, bench.vote({ height: 1n }))).toMatchObject({ vote: { height: 1n } });
    const disposed = link[Symbol.asyncDispose]();
    while (link.status().state !== 'closed') await bench.clock.advance(100);
    await disposed;
    expect(bench.logger.named('cannot serve gRPC')).toHaveLength(1);
  });
});
