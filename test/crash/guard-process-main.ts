/**
 * The heart of a signer in a process of its own: lock, store, gate and a key in memory, asked by
 * lines on standard input and answering by lines on standard output.
 *
 * Variants break one rule on purpose, to show that the test that guards it can fail.
 */

import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { MemoryKey } from '@privval/hsm/memory/memory-key';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { hexFromBytes } from '@privval/proto/runtime/bytes';
import { systemClock } from '@privval/proto/runtime/clock';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { silentLogger } from '@privval/proto/runtime/logger';
import { AuditJournal } from '@privval/signer/audit/audit-journal';
import { Gate } from '@privval/signer/guard/gate';
import { acquireHomeLock } from '@privval/signer/guard/home-lock';
import { comparePositions, type Hrs, type Position } from '@privval/signer/guard/hrs';
import { SqliteSignStateStore } from '@privval/signer/guard/sqlite-sign-state-store';
import Database from 'better-sqlite3';
import { CHAIN, hrs, signBytesOf } from '../harness/sign-requests.ts';
import type { GuardAnswer, GuardAsk, GuardVariant } from './guard-process.ts';

const STDOUT = 1;
const VALIDATOR = 'v';

const [directory = '', variant = 'as-built'] = process.argv.slice(2) as [string, GuardVariant];

if (variant === 'sync-off' || variant === 'sync-normal') {
  weakenSync(variant === 'sync-off' ? 'OFF' : 'NORMAL');
}
// The same key in every life of the process: it is not what is tested here.
await using key = MemoryKey.fromSecretKey(Ed25519SecretKey.fromSeed(new Uint8Array(32).fill(9)));
await using _lock = await acquireHomeLock(join(directory, 'home.lock'), {
  clock: systemClock,
  waitMs: 5_000,
  command: 'guard process',
});
await using store = openStore();
await using gate = new Gate({ store, clock: systemClock, logger: silentLogger });

let answeredTo: Position = store.floor(VALIDATOR);
say({ id: 0, kind: 'ready' });
const lines = createInterface({ input: process.stdin });
const answers: Promise<void>[] = [];
for await (const line of lines) answers.push(answer(JSON.parse(line) as GuardAsk));
await Promise.all(answers);

function openStore(): SqliteSignStateStore {
  const parts = { logger: silentLogger, clock: systemClock };
  const deps = { ...parts, journal: new AuditJournal(parts) };
  try {
    return SqliteSignStateStore.open(deps, { directory });
  } catch (error) {
    if (errorCode(error) !== 'ERR_FLOOR_MISSING') {
      say({ id: 0, kind: 'failed', code: errorCode(error) });
      throw error;
    }
    const created = SqliteSignStateStore.create(deps, { directory });
    const record = { name: VALIDATOR, chainId: CHAIN, publicKey: key.publicKey.bytes };
    created.addValidator(record, { height: 0n, round: 0, step: 'none' });
    return created;
  }
}

async function answer({ id, height, round, step, block, seconds }: GuardAsk): Promise<void> {
  const at = hrs(height, round, step);
  const signBytes = signBytesOf({ at, block, seconds });
  if (variant === 'answer-first') return await answerFirst(id, at, signBytes);
  try {
    const result = await gate.sign({ validator: VALIDATOR, at, signBytes, key });
    if (result.kind === 'refused') say({ id, kind: 'refused', code: result.code });
    else {
      const { signature } = result;
      say({
        id,
        kind: 'signed',
        signBytes: hexFromBytes(result.signBytes),
        signature: hexFromBytes(signature),
      });
    }
  } catch (error) {
    say({ id, kind: 'failed', code: errorCode(error) });
  }
}

/** A signer that keeps its state right after it has answered: no two requests of one life fool it. */
async function answerFirst(id: number, at: Hrs, signBytes: Uint8Array): Promise<void> {
  if (comparePositions(at, answeredTo) <= 0) {
    say({ id, kind: 'refused', code: 'ERR_ANSWERED' });
    return;
  }
  answeredTo = at;
  const signature = hexFromBytes(key.signNow(signBytes));
  say({ id, kind: 'signed', signBytes: hexFromBytes(signBytes), signature });
  store.reserve([{ validator: VALIDATOR, at, signBytes }]);
}

/** In one system call, at once: the trace shows it in its place. */
function say(message: GuardAnswer): void {
  writeSync(STDOUT, `${JSON.stringify(message)}\n`);
}

/** Has SQLite sync less than the store asks of it, and the store none the wiser. */
function weakenSync(mode: 'OFF' | 'NORMAL'): void {
  const pragma = Database.prototype.pragma;
  Database.prototype.pragma = function (this: Database.Database, source, options): unknown {
    if (source === 'synchronous = FULL') return pragma.call(this, `synchronous = ${mode}`);
    if (source === 'synchronous') return 2n;
    return pragma.call(this, source, options);
  };
}
