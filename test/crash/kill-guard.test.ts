import { hash } from 'node:crypto';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { bytesFromHex, hexFromBytes } from '@privval/proto/runtime/bytes';
import { systemClock } from '@privval/proto/runtime/clock';
import { readLivePage } from '@privval/signer/audit/audit-live';
import { rowFromLine } from '@privval/signer/audit/audit-rows';
import { verifyAudit } from '@privval/signer/audit/verify-audit';
import { openReadableHome } from '@privval/signer/home/read-audit-home';
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
  /** Looks at what the last life has left behind. */
  readonly afterwards?: (directory: string, node: HostileNode) => Promise<void>;
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
  await options.afterwards?.(folder.path, node);
  return node;
}

/** No entry is missing or was written twice, and each message that was released has one. */
async function expectAuditAgrees(directory: string, { released }: HostileNode): Promise<void> {
  await using home = await openReadableHome(
    { clock: systemClock },
    { home: directory, command: 'test' },
  );
  const lines: string[] = [];
  const pause = async (): Promise<void> => undefined;
  for (let after: bigint | undefined; ; ) {
    const { head, lines: more, nextAfter } = await readLivePage(home.tables, { after, pause });
    lines.push(...more);
    if (nextAfter === null) {
      const readSegment = async (): Promise<undefined> => undefined;
      const found = { head, lines, files: [], readSegment, auditKey: undefined };
      expect((await verifyAudit(found)).findings).toEqual([]);
      break;
    }
    after = BigInt(nextAfter);
  }
  const decided = new Set(
    lines.map((line) => rowFromLine(line)?.signHash ?? new Uint8Array()).map(hexFromBytes),
  );
  const untold = [...released].filter(
    ([, signBytes]) => !decided.has(hash('sha256', bytesFromHex(signBytes), 'hex')),
  );
  expect(untold).toEqual([]);
}

test(`S8: over ${KILLS} kills at random moments no two messages are signed at one position, and the audit log has each of them`, async () => {
  const node = await harassAndKill({
    kills: KILLS,
    variant: 'as-built',
    seed: 1,
    afterwards: expectAuditAgrees,
  });
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
