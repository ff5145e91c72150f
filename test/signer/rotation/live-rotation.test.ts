import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { voteSignBytes } from '@privval/proto/codec/sign-bytes';
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import { publicKeyFromJson } from '@privval/proto/crypto/key-json';
import { ed25519PublicKey } from '@privval/proto/crypto/public-key';
import type { PrivvalResponse } from '@privval/proto/privval/messages';
import { systemClock } from '@privval/proto/runtime/clock';
import { silentLogger } from '@privval/proto/runtime/logger';
import { parseChainId } from '@privval/proto/types/chain-id';
import { NoSourceError } from '@privval/signer/chain/node-rpc-errors';
import { readConfig } from '@privval/signer/config/config';
import { currentKeys } from '@privval/signer/home/current-key';
import { openHomeStore } from '@privval/signer/home/open-home-store';
import { parsePossession } from '@privval/signer/rotation/proof-of-possession';
import type { RotationJson } from '@privval/signer/rotation/rotation-desk';
import type { Signer } from '@privval/signer/signer';
import { expect, test } from 'vitest';
import type { ScriptedConnection } from '../../harness/scripted-node.ts';
import { ACT, askKey, CHAIN_ID, LiveRig, outcomeOf, voteBy } from './live-rig.ts';

const FILE = { kind: 'file' } as const;

function newKeyOf({ newKey }: RotationJson): Uint8Array {
  return publicKeyFromJson(newKey).bytes;
}

function isSignedBy(response: PrivvalResponse, key: Uint8Array): boolean {
  const vote = outcomeOf(response);
  if (typeof vote === 'string') throw new Error(vote);
  const bytes = voteSignBytes(parseChainId(CHAIN_ID), vote);
  return verifyStrict(ed25519PublicKey(key), bytes, vote.signature);
}

/** One height as a stock node lives it: both votes, then the key for the next one. */
async function live(
  connection: ScriptedConnection,
  key: Uint8Array,
  height: number,
): Promise<Uint8Array> {
  for (const type of ['prevote', 'precommit'] as const) {
    const response = await connection.signVote(voteBy(key, height, type));
    expect(isSignedBy(response, key)).toBe(true);
  }
  return askKey(connection);
}

async function proven(signer: Signer): Promise<RotationJson> {
  await signer.rotationDesk.generate('main', FILE, ACT);
  return signer.rotationDesk.prove('main', undefined, ACT);
}

test('S38–S42: a node changes its key in place, with no height unsigned and none signed by the wrong key', async () => {
  await using rig = await LiveRig.make();
  const signer = await rig.start();
  const desk = signer.rotationDesk;
  const connection = await rig.node.accept();
  const oldKey = await askKey(connection);
  const newKey = newKeyOf(await proven(signer));
  expect(await desk.transactions('main', { format: 'kvstore' }, ACT)).toEqual([
    `val=ed25519!${Buffer.from(newKey).toString('base64')}!10`,
    `val=ed25519!${Buffer.from(oldKey).toString('base64')}!0`,
  ]);

  let key = oldKey;
  for (let height = 1; height <= 14; height++) {
    key = await live(connection, key, height);
    const updates =
      height === 9
        ? [
            { key: newKey, power: 10 },
            { key: oldKey, power: 0 },
          ]
        : [];
    await rig.block(height, updates);
    // The request after the commit of 10 is answered for 11.
    expect(key).toEqual(height < 10 ? oldKey : newKey);
  }
  expect(desk.status('main')).toMatchObject({
    state: 'switched',
    activationHeight: '11',
    armedBy: 'chain',
    missedHeights: [],
  });
  for (const height of [11n, 12n, 13n]) {
    rig.view.attended.push({ height, state: 'signed', publicKey: newKey, isFinal: true });
  }
  await rig.block(15);
  expect(await desk.verified('main')).toMatchObject({ state: 'retiring' });
  // Neither key signs at the other's height any more, and nothing is signed twice.
  expect(outcomeOf(await connection.signVote(voteBy(oldKey, 15)))).toMatch(/ERR_OTHER_KEY/);
  expect(outcomeOf(await connection.signVote(voteBy(oldKey, 10)))).toMatch(/ERR_HEIGHT_REGRESSION/);
  expect(signer.statusOf('main').publicKey).toEqual(newKey);
});

test('S38: after a restart the new key serves, from its place in signer.toml', async () => {
  await using rig = await LiveRig.make();
  const before = await rig.start();
  const connection = await rig.node.accept();
  const oldKey = await askKey(connection);
  const newKey = newKeyOf(await proven(before));
  before.rotationDesk.arm('main', { atHeight: 3n, isPassed: false, isConfirmed: false }, ACT);
  await live(connection, oldKey, 2);
  await rig.stop();

  const after = await rig.start();
  const again = await rig.node.accept();
  expect(after.statusOf('main')).toMatchObject({ publicKey: newKey, fault: undefined });
  // A floor at 2 proves 1: the node is answered for 2, whose votes are stored with the old key's name.
  expect(await askKey(again)).toEqual(oldKey);
  const repeat = await again.signVote(voteBy(oldKey, 2, 'precommit'));
  expect(isSignedBy(repeat, oldKey)).toBe(true);
  expect(await askKey(again)).toEqual(newKey);
  await live(again, newKey, 3);
  await rig.stop();

  // `keys show` on a home that nobody serves.
  {
    const deps = { clock: systemClock, logger: silentLogger };
    await using opened = await openHomeStore(deps, { home: rig.home, command: 'keys show' });
    expect(currentKeys(opened.store, () => 0)('main')).toEqual(newKey);
  }
  const [validator] = readConfig(rig.home, { environment: {} }).validators;
  expect(validator?.rotatedKeys?.map(({ publicKey }) => publicKey)).toEqual([newKey]);
  const last = await rig.start();
  const third = await rig.node.accept();
  expect(last.statusOf('main').publicKey).toEqual(newKey);
  await live(third, newKey, 4);
});

test('S39: before A the new key signs no vote, and S43: neither does the old key in its name', async () => {
  await using rig = await LiveRig.make();
  const signer = await rig.start();
  const connection = await rig.node.accept();
  const newKey = newKeyOf(await proven(signer));
  expect(outcomeOf(await connection.signVote(voteBy(newKey, 1)))).toMatch(/ERR_OTHER_KEY/);
  expect(signer.store.floor('main').height).toBe(0n);
  signer.rotationDesk.arm('main', { atHeight: 3n, isPassed: false, isConfirmed: false }, ACT);
  expect(outcomeOf(await connection.signVote(voteBy(newKey, 2)))).toMatch(/ERR_OTHER_KEY/);
});

test('without an RPC a rotation armed by hand is verified by what nodes ask for', async () => {
  await using rig = await LiveRig.make();
  const signer = await rig.start({ hasChain: false });
  const desk = signer.rotationDesk;
  const connection = await rig.node.accept();
  const oldKey = await askKey(connection);
  const newKey = newKeyOf(await proven(signer));
  desk.arm('main', { atHeight: 3n, isPassed: false, isConfirmed: false }, ACT);
  let key = await live(connection, oldKey, 2);
  for (const height of [3, 4, 5]) key = await live(connection, key, height);
  expect(key).toEqual(newKey);
  expect(await desk.verified('main')).toMatchObject({ state: 'verified' });
  const finish = (isWindowOver: boolean) => desk.finish('main', { isWindowOver }, ACT);
  await expect(finish(false)).rejects.toMatchObject({ code: 'ERR_EVIDENCE_WINDOW' });
  expect(existsSync(join(rig.home, 'keys/main.json'))).toBe(true);
  expect(await finish(true)).toMatchObject({ state: 'finished' });
  expect(existsSync(join(rig.home, 'keys/main.json'))).toBe(false);
  expect(await finish(true)).toMatchObject({ state: 'finished' });
  await live(connection, newKey, 6);
  await rig.stop();
  // The first key's place is in signer.toml still, and nobody looks there.
  const after = await rig.start({ hasChain: false });
  expect(after.statusOf('main')).toMatchObject({ publicKey: newKey, fault: undefined });
});

test('the next rotation begins once the last is verified, with any number of old keys retiring', async () => {
  await using rig = await LiveRig.make();
  const signer = await rig.start({ hasChain: false });
  const desk = signer.rotationDesk;
  const connection = await rig.node.accept();
  let key = await askKey(connection);
  const keys = [key];
  for (const at of [2, 6, 10]) {
    const next = newKeyOf(await proven(signer));
    desk.arm('main', { atHeight: BigInt(at), isPassed: false, isConfirmed: false }, ACT);
    const again = desk.generate('main', FILE, ACT);
    await expect(again).rejects.toMatchObject({ code: 'ERR_ROTATION_OPEN' });
    for (let height = at - 1; height < at + 3; height++) {
      key = await live(connection, key, height);
    }
    expect(key).toEqual(next);
    keys.push(key);
    await desk.verified('main');
  }
  expect(
    desk.status('main').retiring.map(({ publicKey }) => publicKeyFromJson(publicKey).bytes),
  ).toEqual(keys.slice(0, 3));
  expect(signer.rotations.scheduleOf('main').map(({ fromHeight }) => fromHeight)).toEqual([
    0n,
    2n,
    6n,
    10n,
  ]);
});

test('what was done is in the audit log, and a repeat gives the same without an entry', async () => {
  await using rig = await LiveRig.make();
  const signer = await rig.start();
  const desk = signer.rotationDesk;
  await proven(signer);
  const first = await desk.prove('main', undefined, ACT);
  expect(await desk.prove('main', undefined, ACT)).toEqual(first);
  desk.abort('main', ACT);
  expect(desk.abort('main', ACT)).toMatchObject({ state: 'aborted' });
  const entries = signer.store
    .read("SELECT body FROM audit WHERE kind = 'rotation' ORDER BY seq", [], 100)
    .map(({ body }) => JSON.parse(String(body)));
  expect(entries.map(({ from, to, by }) => `${by}: ${from} → ${to}`)).toEqual([
    'local: none → generated',
    'local: generated → proven',
    'local: proven → aborted',
  ]);
  // An aborted rotation's key is never deleted (S45).
  expect(readdirSync(join(rig.home, 'keys'))).toHaveLength(2);
});

test('S47: the proof names chain, operator and both keys', async () => {
  await using rig = await LiveRig.make();
  const signer = await rig.start();
  const { oldKey, newKey } = await signer.rotationDesk.generate('main', FILE, ACT);
  await signer.rotationDesk.prove('main', 'cosmosvaloper1abc', ACT);
  const proof = signer.rotations.newest('main')?.proof;
  expect(parsePossession(proof?.message ?? new Uint8Array(0))).toMatchObject({
    chainId: CHAIN_ID,
    operator: 'cosmosvaloper1abc',
    oldKey: publicKeyFromJson(oldKey).bytes,
    newKey: publicKeyFromJson(newKey).bytes,
  });
  const [, transaction] = await signer.rotationDesk.transactions('main', { format: 'sdk' }, ACT);
  expect(transaction).toContain('cosmosvaloper1abc');
});

test('S48: once the removal is in a block it is not printed again', async () => {
  await using rig = await LiveRig.make();
  const signer = await rig.start();
  const desk = signer.rotationDesk;
  const connection = await rig.node.accept();
  const oldKey = await askKey(connection);
  await proven(signer);
  const print = () => desk.transactions('main', { format: 'kvstore', power: 7n }, ACT);
  const both = await print();
  expect(await print()).toEqual(both);
  expect(desk.status('main').notes.join()).toContain('send it once');
  await rig.block(3, [{ key: oldKey, power: 0 }]);
  expect(await print()).toEqual(both.slice(0, 1));
});

test('a red item of the plan keeps a rotation from beginning, and nothing is made', async () => {
  await using rig = await LiveRig.make();
  const signer = await rig.start();
  rig.set = rig.set
    .slice(1)
    .concat({ ...rig.set[0], publicKey: new Uint8Array(32), power: 1n } as never);
  rig.view.newest = { height: 1n, timeMs: 1_000 };
  const config = readFileSync(join(rig.home, 'signer.toml'), 'utf8');
  const generated = signer.rotationDesk.generate('main', FILE, ACT);
  await expect(generated).rejects.toMatchObject({ code: 'ERR_ROTATION_PLAN' });
  expect(readFileSync(join(rig.home, 'signer.toml'), 'utf8')).toBe(config);
  expect(readdirSync(join(rig.home, 'keys'))).toHaveLength(1);
  expect(signer.rotationDesk.status('main').state).toBe('none');
});

test('a transaction that named another key holds the rotation', async () => {
  await using rig = await LiveRig.make();
  const signer = await rig.start();
  const connection = await rig.node.accept();
  const oldKey = await askKey(connection);
  const newKey = newKeyOf(await proven(signer));
  const stranger = new Uint8Array(32).fill(9);
  await rig.block(3, [
    { key: oldKey, power: 0 },
    { key: stranger, power: 10 },
  ]);
  expect(signer.rotationDesk.status('main')).toMatchObject({
    state: 'held',
    activationHeight: null,
  });
  expect(await askKey(connection)).toEqual(oldKey);
  await rig.block(5, [{ key: newKey, power: 10 }]);
  expect(signer.rotationDesk.status('main')).toMatchObject({
    state: 'armed',
    activationHeight: '7',
  });
});

test('S40: what blocks did while the signer was down is seen in the set', async () => {
  await using rig = await LiveRig.make();
  const before = await rig.start();
  const newKey = newKeyOf(await proven(before));
  await rig.stop();
  const [old] = rig.set;
  if (old === undefined) throw new Error('no set');
  rig.set = [{ ...old, publicKey: newKey }];
  const after = await rig.start();
  await rig.block(40);
  expect(after.rotationDesk.status('main')).toMatchObject({
    state: 'armed',
    activationHeight: '41',
  });
});

test('S40: an RPC that answers no question holds up no switch', async () => {
  await using rig = await LiveRig.make();
  const signer = await rig.start();
  const connection = await rig.node.accept();
  const oldKey = await askKey(connection);
  const newKey = newKeyOf(await proven(signer));
  const hanging = Promise.withResolvers<never>();
  Object.assign(rig.view, { ask: () => hanging.promise });
  await rig.block(8);
  await rig.block(9, [
    { key: newKey, power: 10 },
    { key: oldKey, power: 0 },
  ]);
  expect(signer.rotationDesk.status('main')).toMatchObject({
    state: 'armed',
    activationHeight: '11',
  });
  hanging.reject(new NoSourceError('main'));
});
