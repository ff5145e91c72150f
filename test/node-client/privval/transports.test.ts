import { openRemoteSigner } from '@privval/node-client/privval/open-remote-signer';
import type { RemoteSigner } from '@privval/node-client/privval/remote-signer';
import { parseSignerAddress } from '@privval/node-client/privval/signer-address';
import { nodeIdFromPublicKey } from '@privval/proto/crypto/node-id';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { dialNoise } from '@privval/proto/noise/noise-connection';
import { libp2pPeerIdFromPublicKey } from '@privval/proto/noise/peer-id';
import type { ByteStream } from '@privval/proto/runtime/byte-stream';
import { systemClock } from '@privval/proto/runtime/clock';
import { silentLogger } from '@privval/proto/runtime/logger';
import { dialSocket } from '@privval/proto/runtime/socket-stream';
import { openSecretConnection } from '@privval/proto/secret-connection/secret-connection';
import { expect, test } from 'vitest';
import { RecordingLogger } from '../../harness/recording-logger.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import { ScriptedSigner } from '../../harness/scripted-signer.ts';
import { CHAIN, newProposal, newVote } from './remote-signer-rig.ts';

const node = Ed25519SecretKey.generate();
const consensusKey = Ed25519SecretKey.generate();

/** Dials the node as a signer does. */
async function dial(remote: RemoteSigner, identity: Ed25519SecretKey): Promise<ByteStream> {
  const address = parseSignerAddress(remote.address);
  if (address.kind === 'grpc') throw new Error('not dialed');
  if (address.kind === 'unix') return dialSocket({ path: address.path });
  const stream = await dialSocket(address);
  if (address.kind === 'noise') {
    const expectedPeer = libp2pPeerIdFromPublicKey(node.publicKey);
    return (await dialNoise(stream, identity, { expectedPeer })).stream;
  }
  const expectedPeer = nodeIdFromPublicKey(node.publicKey);
  return (await openSecretConnection(stream, identity, { expectedPeer })).stream;
}

async function signAll(remote: RemoteSigner): Promise<void> {
  expect(await remote.publicKey(CHAIN)).toEqual(consensusKey.publicKey);
  expect(await remote.signProposal(CHAIN, newProposal())).toMatchObject({ kind: 'signed' });
  const extension = new Uint8Array(40_000).fill(7);
  expect(await remote.signVote(CHAIN, newVote({ extension }))).toMatchObject({ kind: 'signed' });
}

test.each(['tcp', 'unix', 'noise'] as const)(
  'a signer dials in over %s://, signs, goes and comes back',
  async (kind) => {
    using folder = new ScratchFolder();
    const identity = Ed25519SecretKey.generate();
    const address = {
      tcp: 'tcp://127.0.0.1:0',
      unix: `unix://${folder.join('privval.sock')}`,
      noise: `noise://${libp2pPeerIdFromPublicKey(identity.publicKey)}@127.0.0.1:0`,
    }[kind];
    await using remote = await openRemoteSigner(
      { clock: systemClock, logger: silentLogger, identity: node },
      { address },
    );
    for (let visit = 0; visit < 2; visit++) {
      const stream = await dial(remote, identity);
      await using _ = ScriptedSigner.start({ stream, key: consensusKey, clock: systemClock });
      await signAll(remote);
      expect(remote.remote).toBeDefined();
    }
  },
);

test('over noise:// a signer with another id is turned away', async () => {
  const expected = libp2pPeerIdFromPublicKey(Ed25519SecretKey.generate().publicKey);
  const logger = new RecordingLogger();
  await using remote = await openRemoteSigner(
    { clock: systemClock, logger, identity: node },
    { address: `noise://${expected}@127.0.0.1:0` },
  );
  await using stream = await dial(remote, Ed25519SecretKey.generate());
  expect(await stream.read().catch(() => undefined)).toBeUndefined();
  expect(logger.lines).toContainEqual(
    expect.objectContaining({
      message: 'the handshake with a client failed',
      fields: expect.objectContaining({ code: 'ERR_PEER_ID_MISMATCH' }),
    }),
  );
  expect(remote.remote).toBeUndefined();
});

test('garbage in place of a handshake is closed, and the signer behind it let in', async () => {
  await using remote = await openRemoteSigner(
    { clock: systemClock, logger: silentLogger, identity: node },
    { address: 'tcp://127.0.0.1:0' },
  );
  const address = parseSignerAddress(remote.address);
  if (address.kind !== 'tcp') throw new Error('not tcp');
  await using garbage = await dialSocket(address);
  await garbage.write(new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n'));
  const stream = await dial(remote, Ed25519SecretKey.generate());
  await using _ = ScriptedSigner.start({ stream, key: consensusKey, clock: systemClock });
  await signAll(remote);
});
