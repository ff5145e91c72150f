import { DemoProgress, runDemoValidator } from '@privval/node-client/cli/demo-validator';
import type { PrivValidator, Refusal, SignResult } from '@privval/proto/privval/priv-validator';
import type { Vote } from '@privval/proto/types/vote';
import { expect, test } from 'vitest';
import { ManualClock } from '../../harness/manual-clock.ts';
import { CHAIN, RemoteSignerRig } from '../privval/remote-signer-rig.ts';

const REFUSAL: Refusal = {
  kind: 'refused',
  reason: 'remote',
  code: 'ERR_REMOTE_SIGNER_REFUSED',
  text: 'no',
};

/** A signer that signs one block at each position, and anything else only when `careless`. */
function onceSigner(rig: RemoteSignerRig, careless = false): PrivValidator {
  const signedAt = new Set<string>();
  return {
    publicKey: (chainId, options) => rig.remote.publicKey(chainId, options),
    signProposal: (chainId, proposal, options) =>
      rig.remote.signProposal(chainId, proposal, options),
    signVote: async (chainId, vote, options): Promise<SignResult<Vote>> => {
      const at = `${vote.type}/${vote.height}`;
      if (signedAt.has(at) && !careless) return REFUSAL;
      signedAt.add(at);
      return rig.remote.signVote(chainId, vote, options);
    },
  };
}

test('it asks as a node does: the key after each height, then proposal, prevote, precommit', async () => {
  await using rig = new RemoteSignerRig();
  const signer = rig.connect('answer');
  const progress = new DemoProgress();
  await runDemoValidator(
    { signer: onceSigner(rig), clock: rig.clock, progress },
    { chainId: CHAIN, intervalMs: 0, heights: 2 },
  );
  const height = ['public-key', 'sign-proposal', 'sign-vote', 'sign-vote'];
  expect(signer.seen).toEqual([...height, ...height]);
  expect(progress).toMatchObject({ height: 2n, signed: 6, refused: 0 });
});

test('it asks for a second block at the first height and each tenth after it', async () => {
  await using rig = new RemoteSignerRig();
  rig.connect('answer');
  const progress = new DemoProgress();
  await runDemoValidator(
    { signer: onceSigner(rig), clock: rig.clock, progress },
    { chainId: CHAIN, intervalMs: 0, heights: 11 },
  );
  expect(progress).toMatchObject({ doubleSignAttempts: 2, doubleSignRefusals: 2, signed: 33 });
});

test('a signer that signs a second block is found out', async () => {
  await using rig = new RemoteSignerRig();
  rig.connect('answer');
  const asked = runDemoValidator(
    { signer: onceSigner(rig, true), clock: rig.clock, progress: new DemoProgress() },
    { chainId: CHAIN, intervalMs: 0, heights: 1 },
  );
  await expect(asked).rejects.toMatchObject({ code: 'ERR_DOUBLE_SIGN' });
});

test('heights keep their pace, and the last one is not waited after', async () => {
  await using rig = new RemoteSignerRig();
  rig.connect('answer');
  const clock = new ManualClock();
  const progress = new DemoProgress();
  const run = runDemoValidator(
    { signer: onceSigner(rig), clock, progress },
    { chainId: CHAIN, intervalMs: 200, heights: 2 },
  );
  await clock.untilPending();
  expect(progress.height).toBe(1n);
  expect(clock.nextInMs).toBe(200);
  await clock.advance(200);
  await run;
  expect(progress.height).toBe(2n);
  expect(clock.pending).toBe(0);
});

test('what is refused is counted, and its reason kept', async () => {
  await using rig = new RemoteSignerRig();
  rig.connectKeyed('refuse');
  const progress = new DemoProgress();
  await runDemoValidator(
    { signer: rig.remote, clock: rig.clock, progress },
    { chainId: CHAIN, intervalMs: 0, heights: 1 },
  );
  expect(progress).toMatchObject({ signed: 0, refused: 3, lastRefusal: { kind: 'refused' } });
});
