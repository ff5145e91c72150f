import { MemoryKey } from '@privval/hsm/memory/memory-key';
import type { GrpcTlsFiles } from '@privval/node-client/privval/grpc-endpoint';
import { openRemoteSigner } from '@privval/node-client/privval/open-remote-signer';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { systemClock } from '@privval/proto/runtime/clock';
import { silentLogger } from '@privval/proto/runtime/logger';
import { GrpcListener } from '@privval/signer/connection/grpc-listener';
import { createGrpcCertificates, GRPC_FILES } from '@privval/signer/home/grpc-certificates';
import { expect, test } from 'vitest';
import { RecordingLogger } from '../../harness/recording-logger.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import { localPrivValidator } from './local-priv-validator-rig.ts';
import { CHAIN, newVote } from './remote-signer-rig.ts';

/** Both ends' certificates in a folder, and the node's files in it. */
function makeCertificates(folder: string): GrpcTlsFiles {
  createGrpcCertificates(folder, {
    validator: 'validator',
    host: '127.0.0.1',
    needsServer: true,
    needsClient: true,
    nowMs: systemClock.now(),
  });
  return {
    rootCaFile: `${folder}/${GRPC_FILES.nodeRootCa}`,
    certificateFile: `${folder}/${GRPC_FILES.nodeCert}`,
    keyFile: `${folder}/${GRPC_FILES.nodeKey}`,
  };
}

/** A signer with the certificates of `folder`. @returns its port. */
async function serve(
  folder: string,
  resources: AsyncDisposableStack,
  host = '127.0.0.1',
): Promise<number> {
  const key = resources.use(MemoryKey.fromSecretKey(Ed25519SecretKey.generate()));
  const tls = {
    certFile: `${folder}/${GRPC_FILES.serverCert}`,
    keyFile: `${folder}/${GRPC_FILES.serverKey}`,
    clientCaFile: `${folder}/${GRPC_FILES.clientCa}`,
  };
  const listener = await GrpcListener.listen(
    {
      privValidator: localPrivValidator(key, resources),
      clock: systemClock,
      logger: silentLogger,
    },
    { chainId: CHAIN, listen: { host, port: 0, tls } },
  );
  return resources.use(listener).port;
}

test.each(['grpc', 'grpcs'])('%s:// with certificates at both ends signs', async (scheme) => {
  using folder = new ScratchFolder();
  await using resources = new AsyncDisposableStack();
  const tls = makeCertificates(folder.join('grpc'));
  const port = await serve(folder.join('grpc'), resources);
  const logger = new RecordingLogger();
  await using remote = await openRemoteSigner(
    { clock: systemClock, logger },
    { address: `${scheme}://127.0.0.1:${port}`, tls },
  );
  expect(await remote.signVote(CHAIN, newVote())).toMatchObject({ kind: 'signed' });
  expect(logger.lines).toEqual([]);
});

/** What the other end says to a certificate it does not take, or the connection's end in its place. */
const TURNED_AWAY = /alert|Failed to connect|ECONNRESET|EPIPE|dropped|closed/i;

test.each<readonly [string, RegExp, (own: GrpcTlsFiles, other: GrpcTlsFiles) => GrpcTlsFiles]>([
  ['of another authority', TURNED_AWAY, (own, other) => ({ ...other, rootCaFile: own.rootCaFile })],
  ['that is missing', TURNED_AWAY, (own) => ({ rootCaFile: own.rootCaFile })],
  [
    'that is right, for a signer whose own is of another authority',
    /certificate/,
    (own, other) => ({ ...own, rootCaFile: other.rootCaFile }),
  ],
])('a node with a certificate %s gets nothing', async (_, message, choose) => {
  using folder = new ScratchFolder();
  await using resources = new AsyncDisposableStack();
  const own = makeCertificates(folder.join('grpc'));
  const other = makeCertificates(folder.join('other'));
  const port = await serve(folder.join('grpc'), resources);
  await using remote = await openRemoteSigner(
    { clock: systemClock, logger: silentLogger },
    {
      address: `grpcs://127.0.0.1:${port}`,
      tls: choose(own, other),
      retry: { attempts: 1, delayMs: 0 },
    },
  );
  await expect(remote.publicKey(CHAIN)).rejects.toMatchObject({
    code: 'ERR_GRPC_CALL',
    status: 14,
    message: expect.stringMatching(message),
  });
});

test('a signer whose certificate names another host is not asked', async () => {
  using folder = new ScratchFolder();
  await using resources = new AsyncDisposableStack();
  const tls = makeCertificates(folder.join('grpc'));
  const port = await serve(folder.join('grpc'), resources, '127.0.0.2');
  await using remote = await openRemoteSigner(
    { clock: systemClock, logger: silentLogger },
    { address: `grpcs://127.0.0.2:${port}`, tls, retry: { attempts: 1, delayMs: 0 } },
  );
  await expect(remote.publicKey(CHAIN)).rejects.toMatchObject({
    code: 'ERR_GRPC_CALL',
    message: expect.stringContaining('127.0.0.2'),
  });
});
