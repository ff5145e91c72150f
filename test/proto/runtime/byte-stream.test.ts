import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { acceptNoise, dialNoise } from '@privval/proto/noise/noise-connection';
import { libp2pPeerIdFromPublicKey } from '@privval/proto/noise/peer-id';
import type { ByteStream } from '@privval/proto/runtime/byte-stream';
import { openSecretConnection } from '@privval/proto/secret-connection/secret-connection';
import { byteStreamConformance } from '../../conformance/byte-stream.ts';
import { memoryStreamPair } from '../../harness/memory-stream.ts';
import { SeededRandom } from '../../harness/seeded-random.ts';
import { tcpStreamPair, unixStreamPair } from '../../harness/socket-pair.ts';

const alice = Ed25519SecretKey.generate();
const bob = Ed25519SecretKey.generate();

async function secretPair(
  lower: readonly [ByteStream, ByteStream],
): Promise<[ByteStream, ByteStream]> {
  const [left, right] = await Promise.all([
    openSecretConnection(lower[0], alice),
    openSecretConnection(lower[1], bob),
  ]);
  return [left.stream, right.stream];
}

async function noisePair(
  lower: readonly [ByteStream, ByteStream],
): Promise<[ByteStream, ByteStream]> {
  const [left, right] = await Promise.all([
    dialNoise(lower[0], alice, { expectedPeer: libp2pPeerIdFromPublicKey(bob.publicKey) }),
    acceptNoise(lower[1], bob),
  ]);
  return [left.stream, right.stream];
}

/** A pipe that cuts what is written into pieces of random length. */
function fragmentingPair(): [ByteStream, ByteStream] {
  const random = new SeededRandom(11);
  return memoryStreamPair({ fragmentBytes: () => 1 + random.below(1500) });
}

byteStreamConformance('memory', async () => memoryStreamPair());
byteStreamConformance('TCP', tcpStreamPair);
byteStreamConformance('Unix socket', unixStreamPair);
byteStreamConformance('SecretConnection over TCP', async () => secretPair(await tcpStreamPair()));
byteStreamConformance('SecretConnection over a cutting pipe', () => secretPair(fragmentingPair()));
byteStreamConformance('Noise over TCP', async () => noisePair(await tcpStreamPair()));
byteStreamConformance('Noise over a cutting pipe', () => noisePair(fragmentingPair()));
