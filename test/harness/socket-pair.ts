/** Two connected socket streams on this machine. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ByteStream } from '@privval/proto/runtime/byte-stream';
import { dialSocket, type SocketTarget, socketStream } from '@privval/proto/runtime/socket-stream';

/** A connection over TCP on loopback: the dialing end, then the accepting one. */
export async function tcpStreamPair(): Promise<[ByteStream, ByteStream]> {
  return connectPair({ host: '127.0.0.1', port: 0 }, (server) => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no TCP address');
    return { host: address.address, port: address.port };
  });
}

/** The same over a Unix socket. */
export async function unixStreamPair(): Promise<[ByteStream, ByteStream]> {
  const folder = await mkdtemp(join(tmpdir(), 'privval-test-'));
  const path = join(folder, 'socket');
  try {
    return await connectPair({ path }, () => ({ path }));
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function connectPair(
  listen: ListenOptions,
  targetOf: (server: Server) => SocketTarget,
): Promise<[ByteStream, ByteStream]> {
  const server = createServer({ pauseOnConnect: true });
  const accepted = Promise.withResolvers<Socket>();
  server.once('connection', accepted.resolve);
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen(listen, listening.resolve);
  await listening.promise;
  const dialed = await dialSocket(targetOf(server));
  const socket = await accepted.promise;
  server.close();
  return [dialed, socketStream(socket)];
}
