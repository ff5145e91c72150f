import type { Attendance, ChainView } from '@privval/signer/chain/chain-view';
import { MissedBlocks } from '@privval/signer/metrics/missed-blocks';
import { expect, test } from 'vitest';

/** A view of which only what is counted by exists. */
function view(validator: string, told: () => readonly Attendance[]): ChainView {
  const tip = (): bigint | undefined => told().at(-1)?.height;
  const attendance = (from: bigint) => told().filter(({ height }) => height >= from);
  return { validator, tip, attendance } as unknown as ChainView;
}

function at(height: bigint, state: Attendance['state'], isFinal = true): Attendance {
  return { height, state, publicKey: undefined, isFinal };
}

test('a missed block counts once, however often and in whatever order it is read', () => {
  let told = [at(10n, 'absent'), at(12n, 'absent', false)];
  const missed = new MissedBlocks();
  const main = view('main', () => told);
  missed.look(main);
  missed.look(main);
  expect(missed.of('main')).toBe(1);
  told = [at(10n, 'absent'), at(11n, 'absent'), at(12n, 'absent')];
  missed.look(main);
  expect(missed.of('main')).toBe(3);
});

test('a vote for nil, a height outside the set and one that nobody knows are not missed', () => {
  const missed = new MissedBlocks();
  const told = [at(1n, 'signed'), at(2n, 'nil'), at(3n, 'not-in-set'), at(4n, 'unknown')];
  missed.look(view('main', () => told));
  expect(missed.of('main')).toBe(0);
});

test('two validators of one chain miss each their own blocks', () => {
  const missed = new MissedBlocks();
  missed.look(view('a', () => [at(1n, 'absent'), at(2n, 'signed')]));
  missed.look(view('b', () => [at(1n, 'absent'), at(2n, 'absent')]));
  expect([missed.of('a'), missed.of('b'), missed.of('c')]).toEqual([1, 2, 0]);
});
