import type { Role } from '@privval/signer/http/access';
import { approvalHash, canonicalJson } from '@privval/signer/http/approval-hash';
import {
  judgeApprove,
  judgeUse,
  mayUse,
  type StoredApproval,
} from '@privval/signer/http/judge-access';
import { describe, expect, test } from 'vitest';

describe('a role', () => {
  test.each<[Role, Role, boolean]>([
    ['viewer', 'viewer', true],
    ['operator', 'viewer', true],
    ['approver', 'viewer', true],
    ['viewer', 'operator', false],
    ['operator', 'operator', true],
    ['approver', 'operator', false],
    ['viewer', 'approver', false],
    ['operator', 'approver', false],
    ['approver', 'approver', true],
  ])('%s, where %s is needed: %s', (has, needed, may) => {
    expect(mayUse(has, needed)).toBe(may);
  });
});

const APPROVAL: StoredApproval = {
  id: '01',
  act: 'rotation.finish',
  validator: 'main',
  hash: 'aa',
  body: '{}',
  askedBy: 'oscar',
  approvedBy: 'ada',
  expiresAtMs: 1_000,
  isUsed: false,
};
const WANTED = { hash: 'aa', by: 'oscar' };

describe('an approval', () => {
  test('lets its asker act once it is approved, and not a millisecond after its end', () => {
    expect(judgeUse(APPROVAL, WANTED, 999)).toEqual({ approvedBy: 'ada' });
    expect(judgeUse(APPROVAL, WANTED, 1_000)).toBe('expired');
  });

  test.each<[string, Partial<StoredApproval> | undefined, Partial<typeof WANTED>, string]>([
    ['that is not there', undefined, {}, 'unknown'],
    ['that was used', { isUsed: true }, {}, 'used'],
    ['that nobody has approved', { approvedBy: null }, {}, 'pending'],
    ['of another request', {}, { hash: 'bb' }, 'other-request'],
    ['that another operator asked for', {}, { by: 'olga' }, 'other-asker'],
    ['that its own asker approved', { approvedBy: 'oscar' }, {}, 'self'],
  ])('%s counts for nothing', (_what, change, wanted, refusal) => {
    const approval = change === undefined ? undefined : { ...APPROVAL, ...change };
    expect(judgeUse(approval, { ...WANTED, ...wanted }, 0)).toBe(refusal);
  });

  test.each<[string, Partial<StoredApproval> | undefined, string, string | undefined, string]>([
    ['that is not there', undefined, 'ada', undefined, 'unknown'],
    ['of their own', {}, 'oscar', undefined, 'self'],
    ['that was used', { isUsed: true }, 'ada', undefined, 'used'],
    ['that has ended', { expiresAtMs: 0 }, 'ada', undefined, 'expired'],
    ['that is not what they read', {}, 'ada', 'bb', 'other-request'],
  ])('%s cannot be approved', (_what, change, by, hash, refusal) => {
    const approval = change === undefined ? undefined : { ...APPROVAL, ...change };
    expect(judgeApprove(approval, { name: by }, hash, 0)).toBe(refusal);
  });

  test('can be approved by another one who has read it', () => {
    const asked = { ...APPROVAL, approvedBy: null };
    expect(judgeApprove(asked, { name: 'ada' }, 'AA', 0)).toBeUndefined();
  });
});

describe('the hash of a wish', () => {
  const home = new Uint8Array(16).fill(1);
  const wish = {
    act: 'floor.raise',
    validator: 'main',
    body: { floorHeight: '9', confirm: 'main' },
  };

  test('does not depend on the order in which a body was written', () => {
    const turned = { ...wish, body: { confirm: 'main', floorHeight: '9' } };
    expect(approvalHash(home, turned)).toBe(approvalHash(home, wish));
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: true })).toBe(
      '{"a":true,"b":[1,{"c":"x","d":null}]}',
    );
  });

  test.each([
    ['another home', new Uint8Array(16).fill(2), wish],
    ['another act', home, { ...wish, act: 'rotation.arm' }],
    ['another validator', home, { ...wish, validator: 'mai' }],
    ['no validator', home, { ...wish, validator: null }],
    ['another body', home, { ...wish, body: { ...wish.body, floorHeight: '90' } }],
    ['a member more', home, { ...wish, body: { ...wish.body, isPassed: false } }],
  ])('depends on %s', (_what, of, other) => {
    expect(approvalHash(of, other)).not.toBe(approvalHash(home, wish));
  });

  test('keeps its parts apart: what one loses, the next one does not gain', () => {
    const a = approvalHash(home, { act: 'ab', validator: 'c', body: {} });
    const b = approvalHash(home, { act: 'a', validator: 'bc', body: {} });
    expect(a).not.toBe(b);
  });
});
