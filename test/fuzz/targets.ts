/**
 * Everything that reads bytes from a peer, a disk or an operator: the register of what is fuzzed.
 *
 * To add a decoder: write a {@link FuzzTarget} (in a file beside this one, by subject), list it
 * here, and put a few good inputs into `corpus/<name>.hex`, one per line.
 */
import { configTarget, nodeAddressTarget, signerAddressTarget } from './config-targets.ts';
import { noiseFramesTarget, secretFramesTarget } from './frame-targets.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { noiseAcceptTarget, noiseDialTarget, secretPeerTarget } from './handshake-targets.ts';
import {
  floorMarkTarget,
  floorRowTarget,
  identityTarget,
  jsonSpansTarget,
} from './home-targets.ts';
import { encryptedKeyTarget, filePvKeyTarget, filePvStateTarget } from './key-file-targets.ts';
import {
  frameReaderTarget,
  grpcRequestTarget,
  grpcResponseTarget,
  requestTarget,
  responseTarget,
  signBytesTarget,
} from './privval-targets.ts';
import { keyJsonTarget, keyTextTarget, nameTextTarget } from './text-targets.ts';
import {
  noiseFrameTarget,
  noiseHandshakeTarget,
  noisePayloadTarget,
  secretFrameTarget,
  secretHandshakeTarget,
} from './transport-targets.ts';
import { YUBIHSM_TARGETS } from './yubihsm-targets.ts';

/** In the order in which they run. */
export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  requestTarget,
  responseTarget,
  grpcRequestTarget,
  grpcResponseTarget,
  frameReaderTarget,
  signBytesTarget,
  secretHandshakeTarget,
  secretFrameTarget,
  noiseFrameTarget,
  noisePayloadTarget,
  noiseHandshakeTarget,
  secretFramesTarget,
  noiseFramesTarget,
  secretPeerTarget,
  noiseDialTarget,
  noiseAcceptTarget,
  keyTextTarget,
  keyJsonTarget,
  nameTextTarget,
  filePvKeyTarget,
  encryptedKeyTarget,
  filePvStateTarget,
  nodeAddressTarget,
  signerAddressTarget,
  configTarget,
  floorMarkTarget,
  floorRowTarget,
  identityTarget,
  jsonSpansTarget,
  ...YUBIHSM_TARGETS,
];

/** How many of `total` inputs each target gets, by its share; together at least `total`. */
export function inputsOf(
  target: FuzzTarget,
  targets: readonly FuzzTarget[],
  total: number,
): number {
  const shares = targets.reduce((sum, { share = 1 }) => sum + share, 0);
  return Math.ceil((total * (target.share ?? 1)) / shares);
}
