import { Server, ServerCredentials, type sendUnaryData, status } from '@grpc/grpc-js';
import { openRemoteSigner } from '@privval/node-client/privval/open-remote-signer';
import type { RemoteSigner } from '@privval/node-client/privval/remote-signer';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { GET_PUB_KEY } from '@privval/proto/privval/grpc-codec';
import { expect, test } from 'vitest';
import { ManualClock } from '../../harness/manual-clock.ts';
import { RecordingLogger } from '../../harness/recording-logger.ts';
import { CHAIN, newProposal, newVote } from './remote-signer-rig.ts';

const KEY = Ed25519SecretKey.generate();

type Send = sendUnaryData<Uint8Array>;

/** A signer whose two signing methods do what the test says, and the node's side that dials it. */
class GrpcRig implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly logger = new RecordingLogger();
  readonly calls: string[] = [];
  readonly remote: RemoteSigner;
  readonly #server: Server;

  private constructor(remote: RemoteSigner, server: Server) {
    this.remote = remote;
    this.#server = server;
  }

  static async open(sign: (send: Send, call: number) => void): Promise<GrpcRig> {
    const server = new Server();
    const calls: string[] = [];
    const method = (name: string, answer: (send: Send, call: number) => void) => ({
      definition: {
        path: `/tendermint.privval.PrivValidatorAPI/${name}`,
        requestStream: false as const,
        responseStream: false as const,
        requestSerialize: (bytes: Uint8Array) => Buffer.from(bytes),
        requestDeserialize: (bytes: Buffer) => new Uint8Array(bytes),
        responseSerialize: (bytes: Uint8Array) => Buffer.from(bytes),
        responseDeserialize: (bytes: Buffer) => new Uint8Array(bytes),
      },
      handle: (_call: unknown, send: Send) => {
        calls.push(name);
        answer(send, calls.filter((other) => other === name).length);
      },
    });
    const methods = {
      GetPubKey: method('GetPubKey', (send) =>
        send(null, GET_PUB_KEY.encodeResponse({ kind: 'public-key', publicKey: KEY.publicKey })),
      ),
      SignVote: method('SignVote', sign),
      SignProposal: method('SignProposal', sign),
    };
    const entries = Object.entries(methods);
    server.addService(
      Object.fromEntries(entries.map(([name, { definition }]) => [name, definition])),
      Object.fromEntries(entries.map(([name, { handle }]) => [name, handle])),
    );
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
    const address = `grpc://127.0.0.1:${await promise}`;
    const clock = new ManualClock();
    const logger = new RecordingLogger();
    const rig = new GrpcRig(await openRemoteSigner({ clock, logger }, { address }), server);
    return Object.assign(rig, { clock, logger, calls });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remote[Symbol.asyncDispose]();
    this.#server.forceShutdown();
  }
}

const refusedWith = (code: status, details: string) => (send: Send) => send({ code, details });

test.each([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.FAILED_PRECONDITION,
  status.PERMISSION_DENIED,
  status.OUT_OF_RANGE,
  status.ABORTED,
])('S23 status %i is a refusal in the words of the signer, and is not retried', async (code) => {
  await using rig = await GrpcRig.open(refusedWith(code, 'error signing vote: conflicting data'));
  for (const result of [
    await rig.remote.signVote(CHAIN, newVote()),
    await rig.remote.signProposal(CHAIN, newProposal()),
  ]) {
    expect(result).toMatchObject({
      kind: 'refused',
      reason: 'remote',
      code: 'ERR_REMOTE_SIGNER_REFUSED',
      text: expect.stringContaining('conflicting data'),
    });
  }
  expect(rig.calls).toEqual(['GetPubKey', 'SignVote', 'SignProposal']);
});

test('a status that is no verdict is a fault, and is not retried either', async () => {
  await using rig = await GrpcRig.open(refusedWith(status.INTERNAL, 'no'));
  await expect(rig.remote.signVote(CHAIN, newVote())).rejects.toMatchObject({
    code: 'ERR_GRPC_CALL',
    status: status.INTERNAL,
  });
  expect(rig.calls).toEqual(['GetPubKey', 'SignVote']);
});

test('a signer that is unavailable is asked again', async () => {
  await using rig = await GrpcRig.open((send, call) =>
    send({ code: call === 1 ? status.UNAVAILABLE : status.INVALID_ARGUMENT, details: 'later' }),
  );
  await rig.remote.publicKey(CHAIN);
  const asked = rig.remote.signVote(CHAIN, newVote());
  await untilNextIn(rig.clock, 100);
  await rig.clock.advance(100);
  expect(await asked).toMatchObject({ kind: 'refused' });
  expect(rig.calls).toEqual(['GetPubKey', 'SignVote', 'SignVote']);
});

test.each([
  ['an error in it (S23)', Uint8Array.fromHex('0a11220212002a0b088092b8c398feffffff011200')],
  ['an error in it alone (S23)', Uint8Array.fromHex('1200')],
])('OK with %s is a refusal, never an empty signature', async (_, bytes) => {
  await using rig = await GrpcRig.open((send) => send(null, bytes));
  expect(await rig.remote.signVote(CHAIN, newVote())).toMatchObject({ kind: 'refused' });
});

test.each([
  ['nothing', new Uint8Array(0)],
  [
    'a vote of type zero without a signature',
    Uint8Array.fromHex('0a11220212002a0b088092b8c398feffffff01'),
  ],
  ['bytes that are no message', Uint8Array.fromHex('ffffff')],
])('OK with %s is a fault', async (_, bytes) => {
  await using rig = await GrpcRig.open((send) => send(null, bytes));
  await expect(rig.remote.signVote(CHAIN, newVote())).rejects.toMatchObject({
    code: expect.stringMatching(/^ERR_(UNEXPECTED_SIGNER_REPLY|REMOTE_SIGNATURE_INVALID)$/),
  });
});

test('a call that is not answered within 5 s is made again', async () => {
  await using rig = await GrpcRig.open((send, call) => {
    if (call === 2) send({ code: status.INVALID_ARGUMENT, details: 'no' });
  });
  await rig.remote.publicKey(CHAIN);
  const asked = rig.remote.signVote(CHAIN, newVote());
  await until(() => rig.calls.includes('SignVote'));
  await rig.clock.advance(5_000);
  await untilNextIn(rig.clock, 100);
  await rig.clock.advance(100);
  expect(await asked).toMatchObject({ kind: 'refused' });
});

test('S25 an abort ends the wait for an answer', async () => {
  await using rig = await GrpcRig.open(() => undefined);
  await rig.remote.publicKey(CHAIN);
  const controller = new AbortController();
  const asked = rig.remote.signVote(CHAIN, newVote(), { signal: controller.signal });
  const reason = new Error('the round is over');
  await untilNextIn(rig.clock, 5_000);
  controller.abort(reason);
  await expect(asked).rejects.toBe(reason);
  expect(rig.clock.pending).toBe(0);
});

test('plaintext is warned of', async () => {
  await using rig = await GrpcRig.open(() => undefined);
  expect(rig.logger.lines).toContainEqual(
    expect.objectContaining({ level: 'warn', message: expect.stringContaining('without TLS') }),
  );
});

test('grpcs:// without the authority to trust, and files that are none, are refused', async () => {
  const deps = { clock: new ManualClock(), logger: new RecordingLogger() };
  const address = 'grpcs://127.0.0.1:1';
  const code = 'ERR_GRPC_CREDENTIALS';
  await expect(openRemoteSigner(deps, { address })).rejects.toMatchObject({ code });
  const missing = { address, tls: { rootCaFile: '/nonexistent/ca.pem' } };
  await expect(openRemoteSigner(deps, missing)).rejects.toMatchObject({
    code,
    message: expect.stringContaining('ENOENT'),
  });
});

/** Waits until the code under test has come to the wait of this length. */
function untilNextIn(clock: ManualClock, ms: number): Promise<void> {
  return until(() => clock.nextInMs === ms);
}

/** Waits turn by turn, since sockets have no clock. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
