import { copyFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { voteSignBytes } from '@privval/proto/codec/sign-bytes';
import { addValidator } from '@privval/signer/home/add-validator';
import { floorAtHeight } from '@privval/signer/home/first-floor';
import { openHomeStore } from '@privval/signer/home/open-home-store';
import { type FloorHeights, initFloors, recoverFloors } from '@privval/signer/home/recover-floors';
import { restoreKeyFile } from '@privval/signer/home/restore-key-file';
import { describe, expect, test } from 'vitest';
import { precommit } from '../../harness/consensus-messages.ts';
import { CHAIN, codeOf, deps, MadeHome, request, writeKnownKey } from './home-fixtures.ts';

const COMMAND = 'test';

function all(height: bigint): FloorHeights {
  return { all: height, byName: new Map() };
}

function named(...heights: readonly [string, bigint][]): FloorHeights {
  return { all: undefined, byName: new Map(heights) };
}

async function recover(home: string, heights: FloorHeights, confirmed: string[] = []) {
  await using _ = await recoverFloors(deps, { home, heights, confirmed });
}

async function init(home: string, heights: FloorHeights, validator?: string) {
  await using _ = await initFloors(deps, { home, heights, validator });
}

function open(made: MadeHome) {
  return openHomeStore(deps, { home: made.home, command: COMMAND });
}

/** Signs at each height, and gives the database back as it was before the last `lost` commits. */
async function setBack(made: MadeHome, heights: number, lost: number): Promise<void> {
  for (let height = 1; height <= heights; height++) {
    await using opened = await open(made);
    const at = { height: BigInt(height), round: 0, step: 'precommit' } as const;
    const signBytes = voteSignBytes(CHAIN, precommit({ height: at.height }));
    opened.store.reserve([{ validator: 'main', at, signBytes }]);
    await opened[Symbol.asyncDispose]();
    if (height === heights - lost) copyFileSync(made.join('floor.db'), made.folder.join('old'));
  }
  copyFileSync(made.folder.join('old'), made.join('floor.db'));
}

describe('S11: a database that was set back', () => {
  test('refuses, and is taken again with its floors raised', async () => {
    using made = await MadeHome.create();
    await setBack(made, 5, 2);
    expect(await codeOf(() => open(made))).toBe('ERR_FLOOR_ROLLED_BACK');
    await recover(made.home, all(5n));
    expect(await made.floor()).toMatchObject(floorAtHeight(5n));
  });

  test.each([
    ['unconfirmed', all(20_000_000n), 'ERR_CONFIRMATION_REQUIRED'],
    ['incomplete', named(['other', 5n]), 'ERR_FLOOR_HEIGHT_MISSING'],
  ])('is still refused after a recovery that was %s', async (_how, heights, code) => {
    using made = await MadeHome.create();
    // By one commit: a recovery that counts its own commit first would bring it level with the mark.
    await setBack(made, 5, 1);
    for (let attempt = 0; attempt < 5; attempt++) {
      expect(await codeOf(() => recover(made.home, heights))).toBe(code);
      expect(await codeOf(() => open(made))).toBe('ERR_FLOOR_ROLLED_BACK');
    }
  });

  test('S33: a jump of more than 10,000,000 heights is confirmed by name', async () => {
    using made = await MadeHome.create();
    await setBack(made, 2, 1);
    await recover(made.home, all(20_000_000n), ['main']);
    expect((await made.floor()).height).toBe(20_000_000n);
  });

  test('S4: is never lowered by the height given', async () => {
    using made = await MadeHome.create({ floorHeight: 100n });
    rmSync(made.join('floor.mark'));
    expect(await codeOf(() => open(made))).toBe('ERR_FLOOR_MARK_MISSING');
    await recover(made.home, all(5n));
    expect((await made.floor()).height).toBe(100n);
  });

  test('has one height for each validator, where chains differ', async () => {
    using made = await MadeHome.create();
    const second = request({ name: 'second', chainId: 'chain-2' });
    await addValidator(deps, { home: made.home, validator: second });
    rmSync(made.join('floor.mark'));
    await recover(made.home, named(['main', 10n], ['second', 20n]));
    expect((await made.floor('main')).height).toBe(10n);
    expect((await made.floor('second')).height).toBe(20n);
  });
});

test('S33: a whole store is not recovered: that would be a raise without confirmation', async () => {
  using made = await MadeHome.create();
  expect(await codeOf(() => recover(made.home, all(5n)))).toBe('ERR_NOTHING_TO_RECOVER');
  expect((await made.floor()).height).toBe(0n);
});

describe('S4: signer state init', () => {
  test('makes a lost database anew, bound to the same key, at the height given', async () => {
    using made = await MadeHome.create();
    rmSync(made.join('floor.db'));
    expect(await codeOf(() => open(made))).toBe('ERR_FLOOR_MISSING');
    await init(made.home, all(9n));
    expect(await made.floor()).toMatchObject(floorAtHeight(9n));
    await using opened = await open(made);
    expect(opened.store.validators()).toEqual([made.made.record]);
  });

  test('never overwrites a floor', async () => {
    using made = await MadeHome.create({ floorHeight: 3n });
    expect(await codeOf(() => init(made.home, all(9n)))).toBe('ERR_FLOOR_EXISTS');
    expect((await made.floor()).height).toBe(3n);
  });

  test('gives one to a validator of signer.toml that has none, and to no other', async () => {
    using made = await MadeHome.create({ floorHeight: 3n });
    const second = request({ name: 'second', chainId: 'chain-2' });
    renameSync(made.join('floor.db'), made.folder.join('before'));
    copyFileSync(made.folder.join('before'), made.join('floor.db'));
    await addValidator(deps, { home: made.home, validator: second });
    // The database as it was before the second validator came, and a mark that knows no better.
    copyFileSync(made.folder.join('before'), made.join('floor.db'));
    rmSync(made.join('floor.mark'));
    await recover(made.home, all(3n));
    await init(made.home, all(50n), 'second');
    expect((await made.floor('second')).height).toBe(50n);
    expect((await made.floor('main')).height).toBe(3n);
  });

  test('needs the height of each, and knows their names', async () => {
    using made = await MadeHome.create();
    rmSync(made.join('floor.db'));
    expect(await codeOf(() => init(made.home, named(['main', 1n]), 'nobody'))).toBe(
      'ERR_UNKNOWN_VALIDATOR',
    );
    expect(await codeOf(() => init(made.home, named(['mian', 1n])))).toBe('ERR_UNKNOWN_VALIDATOR');
    expect(await codeOf(() => init(made.home, named()))).toBe('ERR_FLOOR_HEIGHT_MISSING');
    await init(made.home, named(['main', 1n]));
  });

  test('refuses while the log of a lost database is still there: signatures are in it', async () => {
    using made = await MadeHome.create();
    renameSync(made.join('floor.db'), made.join('floor.db-wal'));
    expect(await codeOf(() => init(made.home, all(9n)))).toBe('ERR_FLOOR_REMAINS');
  });
});

describe('S35: a key file put back from a backup', () => {
  function restore(made: MadeHome, file: string) {
    return restoreKeyFile(deps, {
      home: made.home,
      file,
      validator: undefined,
      fromPassphraseFile: undefined,
    });
  }

  test('is the key the floor is bound to, or nothing is written', async () => {
    using made = await MadeHome.create();
    renameSync(made.join('keys', 'main.json'), made.folder.join('backup.json'));
    const another = writeKnownKey(made.folder);
    expect(await codeOf(() => restore(made, another))).toBe('ERR_ANOTHER_KEY');
    expect(readdirSync(made.join('keys'))).toEqual([]);
    await restore(made, made.folder.join('backup.json'));
    expect(readdirSync(made.join('keys'))).toEqual(['main.json']);
  });

  test('never takes the place of a key file', async () => {
    using made = await MadeHome.create();
    copyFileSync(made.join('keys', 'main.json'), made.folder.join('backup.json'));
    expect(await codeOf(() => restore(made, made.folder.join('backup.json')))).toBe(
      'ERR_KEY_FILE_EXISTS',
    );
  });
});
