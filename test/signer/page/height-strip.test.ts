import type { Attendance } from '@privval/signer/chain/chain-view';
import { HeightStrip } from '@privval/signer/page/height-strip';
import { shownNode, shownNodes, shownProvider } from '@privval/signer/page/shown-names';
import type { DecisionOutcome } from '@privval/signer/priv-validator/decision-outcome';
import { describe, expect, test } from 'vitest';

function outcome(height: bigint, word: DecisionOutcome['outcome'], totalMs = 1): DecisionOutcome {
  return {
    validator: 'main',
    chainId: 'chain-1',
    asker: 'grpc',
    at: { height, round: 0, step: 'prevote' },
    outcome: word,
    code: undefined,
    text: undefined,
    stages: {},
    totalMs,
    endedAtMs: 0,
  };
}

function told(height: bigint, state: Attendance['state'], isFinal = true): Attendance {
  return { height, state, publicKey: undefined, isFinal };
}

describe('the strip of heights', () => {
  test.each([
    ['signed, the commit not known', ['signed'], undefined, 'asked'],
    ['signed and in the commit', ['signed'], told(10n, 'signed'), 'signed'],
    ['signed for nil', ['signed'], told(10n, 'nil'), 'signed'],
    ['signed, and the commit is without it', ['signed'], told(10n, 'absent'), 'missed'],
    ['absent in a commit that may still change', ['signed'], told(10n, 'absent', false), 'asked'],
    ['refused', ['refused'], undefined, 'refused'],
    ['refused to one node, signed for another', ['refused', 'signed'], undefined, 'asked'],
    ['the key failed', ['failed'], undefined, 'refused'],
    ['given up by the node', ['abandoned'], undefined, 'unknown'],
    ['not in the set', [], told(10n, 'not-in-set'), 'not-in-set'],
  ] as const)('shows a height that was %s', (_title, words, attendance, state) => {
    const strip = new HeightStrip(10n);
    for (const word of words) strip.note(outcome(10n, word));
    const { strip: heights } = strip.picture(attendance === undefined ? [] : [attendance]);
    expect(heights.at(-1)).toEqual({ height: '10', state });
  });

  test('has sixty heights, the newest last, and one median time of each that was signed', () => {
    const strip = new HeightStrip(0n);
    for (let height = 1n; height <= 100n; height++) {
      for (const ms of [3, 1, 2]) strip.note(outcome(height, 'signed', ms));
    }
    const picture = strip.picture([]);
    expect(picture.strip.map(({ height }) => height)).toEqual(
      Array.from({ length: 60 }, (_, index) => String(41 + index)),
    );
    expect(picture.latencyUs).toEqual(Array.from({ length: 60 }, () => 2000));
  });

  test('a node that asks far ahead, or far back, moves nothing', () => {
    const strip = new HeightStrip(100n);
    strip.note(outcome(4_611_686_018_427_387_904n, 'refused'));
    strip.note(outcome(3n, 'refused'));
    const { strip: heights } = strip.picture([]);
    expect([heights[0]?.height, heights.at(-1)?.height]).toEqual(['41', '100']);
    expect(heights.every(({ state }) => state === 'unknown')).toBe(true);
  });
});

describe('names that anybody may see', () => {
  test('have no ids and no paths', () => {
    expect(shownNode('tcp://abc@10.0.0.5:26659')).toBe('10.0.0.5:26659');
    expect(shownNode('noise://12D3@[::1]:26659')).toBe('[::1]:26659');
    expect(shownNode('unix:///run/secret/pv.sock')).toBe('unix:pv.sock');
    expect(shownNodes(['unix:///a/pv', 'unix:///b/pv'])).toEqual(['unix:pv', 'unix:pv#2']);
    expect(shownProvider('file /home/of/keys/main.json')).toBe('file');
    expect(shownProvider('yubihsm 0007550140 key 0x0064')).toBe('yubihsm 0007550140 key 0x0064');
  });
});
