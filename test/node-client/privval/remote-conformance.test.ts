/** The contract end to end: the node's side, each transport, the signer's session, guard and database. */
import type { SigningKey } from '@privval/hsm/signing-key';
import { openRemoteSigner } from '@privval/node-client/privval/open-remote-signer';
import { RemoteSigner } from '@privval/node-client/privval/remote-signer';
import { SignerListener } from '@privval/node-client/privval/signer-listener';
import { StreamEndpoint } from '@privval/node-client/privval/stream-endpoint';
import { nodeIdFromPublicKey } from '@privval/proto/crypto/node-id';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { libp2pPeerIdFromPublicKey } from '@privval/proto/noise/peer-id';
import { systemClock } from '@privval/proto/runtime/clock';
import { silentLogger } from '@privval/proto/runtime/logger';
import { systemRandom } from '@privval/proto/runtime/random';
import { dialNode } from '@privval/signer/connection/dial-node';
import { GrpcListener } from '@privval/signer/connection/grpc-listener';
import { parseNodeAddress } from '@privval/signer/connection/node-address';
import { NodeLink } from '@privval/signer/connection/node-link';
import type { LocalPrivValidator } from '@privval/signer/priv-validator/local-priv-validator';
import { Session } from '@privval/signer/session/session';
import {
  describePrivValidator,
  type PrivValidatorUnderTest,
} from '../../conformance/priv-validator.ts';
import { MemoryListener } from '../../harness/memory-listener.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import { localPrivValidator } from './local-priv-validator-rig.ts';
import { CHAIN } from './remote-signer-rig.ts';

const clock = systemClock;
const logger = silentLogger;
/** One attempt: a test that fails says so at once. */
const retry = { attempts: 1, delayMs: 0 };
const node = Ed25519SecretKey.generate();
const signer = Ed25519SecretKey.generate();

/** Connects a signer to a node's side, both ends of which are disposed with `resources`. */
type Connect = (
  privValidator: LocalPrivValidator,
  resources: AsyncDisposableStack,
) => Promise<RemoteSigner>;

const overMemory: Connect = async (privValidator, resources) => {
  const streams = new MemoryListener();
  const secure = async (stream: Awaited<ReturnType<MemoryListener['accept']>>) => ({ stream });
  const listener = SignerListener.start({ streams, secure, clock, logger });
  const endpoint = StreamEndpoint.start({ listener, clock, logger });
  const remote = resources.use(RemoteSigner.over({ endpoint, clock }, { retry }));
  // Frames come a few bytes at a time.
  const stream = streams.dial({ fragmentBytes: 7 });
  resources.use(Session.start({ stream, privValidator, clock, logger }, { chainId: CHAIN }));
  return remote;
};

/** @param addresses where the node listens, and what the signer makes of where it turned out to listen. */
function overSockets(
  addresses: (folder: ScratchFolder) => {
    readonly listen: string;
    readonly dialed: (bound: string) => string;
  },
): Connect {
  return async (privValidator, resources) => {
    const { listen, dialed } = addresses(resources.use(new ScratchFolder()));
    const remote = resources.use(
      await openRemoteSigner({ clock, logger, identity: node }, { address: listen, retry }),
    );
    const address = parseNodeAddress(dialed(remote.address));
    const dial: Parameters<typeof NodeLink.start>[0]['dial'] = (target, options) =>
      dialNode({ clock, identity: signer }, target, options);
    resources.use(
      NodeLink.start(
        { dial, privValidator, clock, random: systemRandom, logger },
        { validator: 'validator', chainId: CHAIN, address },
      ),
    );
    return remote;
  };
}

const overTcp = overSockets(() => ({
  listen: 'tcp://127.0.0.1:0',
  dialed: (bound) => bound.replace('tcp://', `tcp://${nodeIdFromPublicKey(node.publicKey)}@`),
}));

const overUnix = overSockets((folder) => ({
  listen: `unix://${folder.join('privval.sock')}`,
  dialed: (bound) => bound,
}));

const overNoise = overSockets(() => ({
  listen: `noise://${libp2pPeerIdFromPublicKey(signer.publicKey)}@127.0.0.1:0`,
  dialed: (bound) => bound.replace(/\/\/.*@/, `//${libp2pPeerIdFromPublicKey(node.publicKey)}@`),
}));

const overGrpc: Connect = async (privValidator, resources) => {
  const listen = { host: '127.0.0.1', port: 0, tls: undefined };
  const listener = resources.use(
    await GrpcListener.listen({ privValidator, clock, logger }, { chainId: CHAIN, listen }),
  );
  const address = `grpc://127.0.0.1:${listener.port}`;
  return resources.use(await openRemoteSigner({ clock, logger }, { address, retry }));
};

for (const [name, connect] of Object.entries({
  memory: overMemory,
  'tcp://': overTcp,
  'unix://': overUnix,
  'noise://': overNoise,
  'grpc://': overGrpc,
})) {
  describePrivValidator(
    `a remote one over ${name}`,
    async (key: SigningKey): Promise<PrivValidatorUnderTest> => {
      const resources = new AsyncDisposableStack();
      const privValidator = await connect(localPrivValidator(key, resources), resources);
      return {
        privValidator,
        publicKey: key.publicKey,
        chainId: CHAIN,
        dispose: () => resources.disposeAsync(),
      };
    },
    { knowsReasons: false },
  );
}
