import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { systemClock } from '@privval/proto/runtime/clock';
import { expect, test } from 'vitest';
import { ScratchFolder } from '../harness/scratch-folder.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { GuardProcess, type GuardVariant } from './guard-process.ts';
import { HostileNode } from './hostile-node.ts';

/** Lives of the process: 200 unless told otherwise. */
const KILLS = Number(process.env['PRIVVAL_KILLS'] ?? 200);

/** Answers that a life gives at the most before its last moment is drawn. */
const MAX_ANSWERS = 12;

/** How long after one of them the kill may come: two or three answers later. */
const MAX_DELAY_MS = 2;

const publicKey = Ed25519SecretKey.fromSeed(new Uint8Array(32).fill(9)).publicKey;

/** Has a hostile node ask a guard process that is killed `kills` times at random moments. */
async function harassAndKill(options: {
  readonly kills: number;
  readonly variant: GuardVariant;
  readonly seed: number;
  /** Enough is known. */
  readonly until?: (node: HostileNode) => boolean;
}): Promise<HostileNode> {
  using folder = new ScratchFolder();
  // A life begins in half the time, and there are many. Only a process that ends by itself fills it.
  using compiled = new ScratchFolder();
  const env = { NODE_COMPILE_CACHE: compiled.path };
  await using warmUp = new GuardProcess({ directory: folder.path, env });
  await warmUp.finish();
  const random = new SeededRandom(options.seed);
  const node = new HostileNode(random, publicKey);
  for (let life = 0; life < options.kills && options.until?.(node) !== true; life++) {
    await using signer = new GuardProcess({
      directory: folder.path,
      variant: options.variant,
      env,
    });
    expect(await signer.ready()).toEqual({ id: 0, kind: 'ready' });
    const harassing = node.harass(signer);
    await node.untilAnswers(random.below(MAX_ANSWERS), signer);
    if (random.below(2) === 0) await systemClock.sleep(random.uniform() * MAX_DELAY_MS);
    signer.kill();
    await harassing;
  }
  return node;
}

test(`S8: over ${KILLS} kills at random moments no two messages are signed at one position`, async () => {
  const node = await harassAndKill({ kills: KILLS, variant: 'as-built', seed: 1 });
  expect(node.violations).toEqual([]);
  expect(node.signed).toBeGreaterThan(KILLS);
  expect(node.refused).toBeGreaterThan(KILLS);
});

test('S8: the same kills find a signer that answers before it reserves', async () => {
  const node = await harassAndKill({
    kills: 500,
    variant: 'answer-first',
    seed: 2,
    until: ({ violations }) => violations.length > 0,
  });
  expect(node.violations).toContainEqual(expect.stringMatching(/^two messages signed at /));
});
