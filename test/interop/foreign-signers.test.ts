/** Signers that are not ours, signing for our node's side: tmkms, and CometBFT's own SignerServer. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RemoteSigner } from '@privval/node-client/privval/remote-signer';
import { proposalSignBytes, voteSignBytes } from '@privval/proto/codec/sign-bytes';
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import { base64FromBytes } from '@privval/proto/runtime/bytes';
import { systemClock } from '@privval/proto/runtime/clock';
import { silentLogger } from '@privval/proto/runtime/logger';
import type { BlockId } from '@privval/proto/types/block-id';
import { parseChainId } from '@privval/proto/types/chain-id';
import type { Proposal } from '@privval/proto/types/proposal';
import type { Vote, VoteType } from '@privval/proto/types/vote';
import { describe, expect, it } from 'vitest';
import { ForeignSigner } from './peers/foreign-signers.ts';

const deps = { clock: systemClock };
const chainId = parseChainId('foreign-1');
const NOTHING = new Uint8Array(0);

function block(fill: number): BlockId {
  return {
    hash: new Uint8Array(32).fill(fill),
    partSetHeader: { total: 1, hash: new Uint8Array(32).fill(fill + 1) },
  };
}

function vote(type: VoteType, height: bigint, blockId: BlockId): Vote {
  return {
    type,
    height,
    round: 0,
    blockId,
    timestamp: { seconds: 1_790_000_000n + height, nanos: 7 },
    validatorAddress: new Uint8Array(20),
    validatorIndex: 0,
    signature: NOTHING,
    extension: NOTHING,
    extensionSignature: NOTHING,
  };
}

function proposal(height: bigint, blockId: BlockId): Proposal {
  const timestamp = { seconds: 1_790_000_000n + height, nanos: 0 };
  return { height, round: 0, polRound: -1, blockId, timestamp, signature: NOTHING };
}

/** tmkms of this version drops the extension's signature, so its precommits are asked as v1 asks without extensions. */
const SIGNERS = [
  { name: 'tmkms', start: ForeignSigner.tmkms, skipExtensionSigning: true },
  { name: "CometBFT's SignerServer", start: ForeignSigner.filePv, skipExtensionSigning: false },
];
const PLACES = ['tcp', 'unix'] as const;

describe.each(SIGNERS)('$name signs for our node', ({ start, skipExtensionSigning }) => {
  it.each(PLACES)(
    'over %s: heights in order, a conflict refused or not answered, and again after its restart',
    async (place) => {
      const directory = mkdtempSync(join(tmpdir(), 'remote-'));
      await using stack = new AsyncDisposableStack();
      stack.defer(() => rmSync(directory, { recursive: true, force: true }));
      const address = place === 'tcp' ? 'tcp://127.0.0.1:0' : `unix://${directory}/node.sock`;
      const remote = stack.use(
        await RemoteSigner.listen({ ...deps, logger: silentLogger }, { address }),
      );
      const signer = stack.use(await start(deps, { chainId, address: remote.address }));

      const publicKey = await remote.publicKey(chainId);
      expect(base64FromBytes(publicKey.bytes)).toBe(signer.validator.value);

      const sign = async (height: bigint): Promise<void> => {
        const id = block(Number(height));
        const proposed = await remote.signProposal(chainId, proposal(height, id));
        if (proposed.kind !== 'signed') throw new Error(proposed.text);
        const bytes = proposalSignBytes(chainId, proposed.message);
        expect(verifyStrict(publicKey, bytes, proposed.message.signature)).toBe(true);
        for (const type of ['prevote', 'precommit'] as const) {
          const voted = await remote.signVote(chainId, vote(type, height, id), {
            skipExtensionSigning,
          });
          if (voted.kind !== 'signed') throw new Error(voted.text);
          const signed = voteSignBytes(chainId, voted.message);
          expect(verifyStrict(publicKey, signed, voted.message.signature)).toBe(true);
        }
      };
      for (let height = 1n; height <= 20n; height++) await sign(height);

      const conflict = await remote.signVote(chainId, vote('precommit', 20n, block(99)), {
        skipExtensionSigning,
      });
      expect(conflict).toMatchObject({ kind: 'refused', reason: 'remote' });

      await signer.restart();
      for (let height = 21n; height <= 30n; height++) await sign(height);
    },
  );
});
