import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { expect, test } from 'vitest';
import { ScratchFolder } from '../harness/scratch-folder.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { FaultyDisk } from './faulty-disk.ts';
import { GuardProcess, type GuardVariant } from './guard-process.ts';
import { HostileNode } from './hostile-node.ts';

/** Lives, every other of which ends in a power cut: 40 unless told otherwise. */
const CUTS = Number(process.env['PRIVVAL_POWER_CUTS'] ?? 40);

/** Answers that a life gives at the most. */
const MAX_ANSWERS = 30;

const publicKey = Ed25519SecretKey.fromSeed(new Uint8Array(32).fill(9)).publicKey;

/** Has a hostile node ask a process that is killed `cuts` times, and whose machine then loses power every other time: what was not synced is lost. */
async function harassAndCut(
  variant: GuardVariant,
  cuts: number,
  seed: number,
): Promise<HostileNode> {
  using disk = new FaultyDisk();
  using folder = new ScratchFolder();
  const random = new SeededRandom(seed);
  const node = new HostileNode(random, publicKey);
  {
    await using founder = new GuardProcess({ directory: folder.path, env: disk.env });
    await founder.finish();
  }
  // The mark as it is now is all of it that ever reaches the disk: it will not warn of anything.
  disk.keepMark(folder.path);
  for (let life = 0; life < cuts && node.violations.length === 0; life++) {
    await using signer = new GuardProcess({ directory: folder.path, variant, env: disk.env });
    const began = await signer.ready();
    // A weaker sync can leave a database that does not open at all: no double sign, and no proof either.
    if (began?.kind === 'failed') break;
    const harassing = node.harass(signer);
    await node.untilAnswers(1 + random.below(MAX_ANSWERS), signer);
    signer.kill();
    await harassing;
    // Else only the process is gone, and the next one finds in memory what is not on the disk yet.
    if (random.below(2) === 0) disk.cutPower(folder.path);
  }
  return node;
}

test(`S8: over ${CUTS} crashes and power cuts no two messages are signed at one position`, async () => {
  const node = await harassAndCut('as-built', CUTS, 1);
  expect(node.violations).toEqual([]);
  expect(node.signed).toBeGreaterThan(CUTS);
});

test('S8: the same cuts find a store that does not sync each commit', async () => {
  const node = await harassAndCut('sync-normal', 40, 2);
  expect(node.violations).toContainEqual(expect.stringMatching(/^two messages signed at /));
});
