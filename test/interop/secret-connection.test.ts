/** Live SecretConnections with CometBFT's own implementation at the other end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { encodeFrame, FrameReader } from '@privval/proto/codec/delimited';
import { nodeIdFromPublicKey, parseNodeId } from '@privval/proto/crypto/node-id';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { concatBytes, hexFromBytes } from '@privval/proto/runtime/bytes';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { dialSocket } from '@privval/proto/runtime/socket-stream';
import { openSecretConnection } from '@privval/proto/secret-connection/secret-connection';
import { expect, it } from 'vitest';
import { peerBinary } from './peers/peers.ts';

/** The oracle at the other end, and the lines it prints. */
interface OracleListener extends Disposable {
  readonly host: string;
  readonly port: number;
  readonly nodeId: string;
  next(): Promise<Record<string, unknown>>;
}

async function oracleListener(...flags: readonly string[]): Promise<OracleListener> {
  const child: ChildProcess = spawn(
    peerBinary('oracle'),
    ['secret-conn', '-listen', '127.0.0.1:0', ...flags],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  if (child.stdout === null) throw new TypeError('its output is a pipe');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<Record<string, unknown>> => {
    const line = await lines.next();
    return JSON.parse(line.done ? '{}' : line.value);
  };
  const { address, nodeId } = await next();
  const [host = '', port] = String(address).split(':');
  return {
    host,
    port: Number(port),
    nodeId: String(nodeId),
    next,
    [Symbol.dispose]: () => void child.kill(),
  };
}

/** A `google.protobuf.BytesValue` of the bytes, as the oracle frames its messages. */
function bytesValue(bytes: Uint8Array): Uint8Array {
  return bytes.length === 0 ? bytes : concatBytes(new Uint8Array([0x0a]), encodeFrame(bytes));
}

it('20 connections: both identities proven, every message echoed, both ways', async () => {
  const connections = 20;
  const rounds = 20;
  using oracle = await oracleListener('-connections', `${connections}`, '-rounds', `${rounds}`);
  for (let i = 0; i < connections; i++) {
    using identity = Ed25519SecretKey.generate();
    const raw = await dialSocket({ host: oracle.host, port: oracle.port }, {});
    const expectedPeer = parseNodeId(oracle.nodeId);
    const { stream, peerKey } = await openSecretConnection(raw, identity, { expectedPeer });
    await using _ = stream;
    expect(nodeIdFromPublicKey(peerKey)).toBe(oracle.nodeId);
    const frames = new FrameReader({ stream }, { maxBytes: 1 << 20 });
    for (let round = 0; round < rounds; round++) {
      await stream.write(encodeFrame((await frames.read()) ?? new Uint8Array(0)));
    }
    for (const length of [1, 1000, 1024, 1025, 50_000]) {
      const message = bytesValue(randomBytes(length));
      await stream.write(encodeFrame(message));
      expect(hexFromBytes((await frames.read()) ?? new Uint8Array(0))).toBe(hexFromBytes(message));
    }
    await stream.write(encodeFrame(new Uint8Array(0)));
    expect(await oracle.next()).toMatchObject({
      event: 'connection',
      nodeId: nodeIdFromPublicKey(identity.publicKey),
      sent: rounds,
    });
  }
});

it('a pinned id that is not the peer ends the connection', async () => {
  using oracle = await oracleListener('-connections', '1', '-rounds', '0');
  using identity = Ed25519SecretKey.generate();
  const raw = await dialSocket({ host: oracle.host, port: oracle.port }, {});
  const expectedPeer = parseNodeId('0'.repeat(40));
  const failure = openSecretConnection(raw, identity, { expectedPeer }).catch(errorCode);
  expect(await failure).toBe('ERR_PEER_ID_MISMATCH');
});
