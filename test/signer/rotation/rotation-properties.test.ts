import type { Rotation } from '@privval/signer/rotation/rotation';
import { stepRotation } from '@privval/signer/rotation/rotation-rules';
import type { RotationEvent } from '@privval/signer/rotation/step-rotation';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CONTEXT, GENERATED, PROOF, powers, tell } from './rotation-fixtures.ts';

interface Block {
  readonly height: number;
  readonly newKey: number | undefined;
  readonly oldKey: number | undefined;
}

const power = fc.option(fc.constantFrom(0, 0, 7, 10), { nil: undefined });
const blocks = fc.uniqueArray(
  fc.record({ height: fc.integer({ min: 1, max: 30 }), newKey: power, oldKey: power }),
  { selector: ({ height }) => height, maxLength: 12 },
);

/** Block by block, by looking back: the first one after which the new key is in and the old one out. */
function slowSwitch(chain: readonly Block[]): number | undefined {
  const last = (key: 'newKey' | 'oldKey', upTo: number): number | undefined =>
    chain
      .filter((block) => block.height <= upTo && block[key] !== undefined)
      .sort((a, b) => b.height - a.height)[0]?.[key];
  for (let height = 0; height <= 30; height++) {
    if ((last('newKey', height) ?? 0) > 0 && (last('oldKey', height) ?? 1) === 0) return height;
  }
  return undefined;
}

const told = ({ height, newKey, oldKey }: Block): RotationEvent =>
  powers(height, {
    ...(newKey === undefined ? {} : { newKey }),
    ...(oldKey === undefined ? {} : { oldKey }),
  });

test('S40: any order and any repetition of the same blocks ends in max(N, R) + 2, or floor + 1 found late', () => {
  const floors = fc.bigInt({ min: 0n, max: 40n });
  fc.assert(
    fc.property(
      blocks.chain((chain) =>
        fc.tuple(
          fc.constant(chain),
          fc.shuffledSubarray([...chain, ...chain], {
            minLength: chain.length * 2,
            maxLength: chain.length * 2,
          }),
        ),
      ),
      floors,
      ([chain, order], floorHeight) => {
        const { rotation } = tell(GENERATED, order.map(told), { ...CONTEXT, floorHeight });
        const switchedBy = slowSwitch(chain);
        if (switchedBy === undefined) {
          expect(rotation.activationHeight).toBeUndefined();
          return;
        }
        const late = floorHeight + 1n;
        const prompt = BigInt(switchedBy) + 2n;
        expect(rotation.activationHeight).toBe(prompt > late ? prompt : late);
      },
    ),
    { numRuns: 1_000 },
  );
});

const height = fc.bigInt({ min: 1n, max: 30n });
const anyEvent: fc.Arbitrary<RotationEvent> = fc.oneof(
  {
    weight: 6,
    arbitrary: blocks.filter((chain) => chain.length > 0).map(([block]) => told(block as Block)),
  },
  fc.record({
    kind: fc.constant('set-seen' as const),
    height,
    hasNewKey: fc.boolean(),
    hasOldKey: fc.boolean(),
  }),
  height.map((at) => ({
    kind: 'sources-contradict' as const,
    contradiction: { height: at, told: {} },
  })),
  height.map((at) => ({ kind: 'contradiction-settled' as const, height: at })),
  fc.record({
    kind: fc.constant('arm-asked' as const),
    atHeight: height,
    isPassed: fc.boolean(),
    isConfirmed: fc.boolean(),
  }),
  fc.constant({ kind: 'abort-asked' as const }),
  fc.constant({ kind: 'proved' as const, proof: PROOF }),
  height.map((at) => ({ kind: 'new-key-seen' as const, height: at })),
  height.map((at) => ({ kind: 'floor-moved' as const, height: at })),
  fc.constant({
    kind: 'finish-asked' as const,
    tip: { height: 100n, timeMs: 100 },
    isWindowOver: true,
  }),
);

/** Events, and how far the floor moves before each. */
const history = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), anyEvent), { maxLength: 40 });

test('S38, S39: A is above the floor whenever it changes, and stays once the floor is there', () => {
  fc.assert(
    fc.property(history, (events) => {
      let rotation: Rotation = GENERATED;
      let floorHeight = 0n;
      for (const [moves, event] of events) {
        floorHeight += BigInt(moves);
        const before = rotation.activationHeight;
        const step = stepRotation(rotation, event, { ...CONTEXT, floorHeight });
        if (step.kind === 'refused') continue;
        const after = step.rotation.activationHeight;
        if (before !== undefined && floorHeight >= before) expect(after).toBe(before);
        if (after !== before && after !== undefined) expect(after).toBeGreaterThan(floorHeight);
        const isChange = step.effects.some(({ kind }) => kind === 'schedule-changed');
        expect(isChange).toBe(after !== before);
        ({ rotation } = step);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('every event told twice in a row changes nothing the second time', () => {
  fc.assert(
    fc.property(history, (events) => {
      let rotation: Rotation = GENERATED;
      let floorHeight = 0n;
      for (const [moves, event] of events) {
        floorHeight += BigInt(moves);
        const context = { ...CONTEXT, floorHeight };
        const once = stepRotation(rotation, event, context);
        if (once.kind === 'refused') continue;
        const twice = stepRotation(once.rotation, event, context);
        expect(twice.kind).toBe('stepped');
        if (twice.kind === 'stepped') expect(twice.rotation).toBe(once.rotation);
        ({ rotation } = once);
      }
    }),
    { numRuns: 2_000 },
  );
});

test('an old key is destroyed by nothing but finish, and only after the rotation was verified', () => {
  fc.assert(
    fc.property(history, (events) => {
      let rotation: Rotation = GENERATED;
      let floorHeight = 0n;
      for (const [moves, event] of events) {
        floorHeight += BigInt(moves);
        const step = stepRotation(rotation, event, { ...CONTEXT, floorHeight });
        if (step.kind === 'refused') continue;
        if (step.effects.some(({ kind }) => kind === 'destroy-key')) {
          expect(event.kind).toBe('finish-asked');
          expect(['verified', 'retiring', 'finished']).toContain(rotation.state);
        }
        ({ rotation } = step);
      }
    }),
    { numRuns: 1_000 },
  );
});
