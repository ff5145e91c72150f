import { setImmediate as immediate } from 'node:timers/promises';
import { inspect } from 'node:util';
import { MemoryKey } from '@privval/hsm/memory/memory-key';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { parseChainId } from '@privval/proto/types/chain-id';
import { describe, expect, test } from 'vitest';
import { expectNoTrace } from '../../conformance/signing-key.ts';
import { blockNamed, precommit, prevote, proposal } from '../../harness/consensus-messages.ts';
import { FakeKey } from '../../harness/fake-key.ts';
import type { LogLine } from '../../harness/recording-logger.ts';
import { CHAIN, ValidatorsOnOneGate } from './validators-on-one-gate.ts';

const NO_ADDRESS = { validatorAddress: new Uint8Array(0) };

/** The lines about requests, among those of the store. They are written a turn after the answer. */
async function decisions({ logger }: ValidatorsOnOneGate): Promise<readonly LogLine[]> {
  await immediate();
  return logger.lines.filter(({ fields }) => 'outcome' in fields);
}

describe('each request leaves one line', () => {
  test.each([
    ['proposal', 1],
    ['prevote', 2],
    ['precommit', 3],
  ] as const)('for a %s signed: what, where, and how long each stage took', async (type, step) => {
    await using signer = new ValidatorsOnOneGate();
    const validator = signer.add('v', new FakeKey(signer));
    const at = { height: 12n, round: 3 };
    if (type === 'proposal') await validator.signProposal(CHAIN, proposal(at));
    else await validator.signVote(CHAIN, { ...prevote({ ...at, ...NO_ADDRESS }), type });
    expect(await decisions(signer)).toEqual([
      {
        level: 'info',
        message: 'signed',
        fields: {
          chain: 'test-chain',
          validator: 'v',
          height: '12',
          round: 3,
          step,
          type,
          outcome: 'signed',
          queueMs: 0,
          reserveMs: 0,
          signMs: 0,
          verifyMs: 0,
          ...(type === 'precommit' ? { extensionMs: 0 } : {}),
          totalMs: 0,
        },
      },
    ]);
  });

  test('for a refusal: the rule, its code and what stands against it', async () => {
    await using signer = new ValidatorsOnOneGate();
    const validator = signer.add('v', new FakeKey(signer));
    await validator.signVote(CHAIN, prevote(NO_ADDRESS));
    await validator.signVote(CHAIN, prevote({ ...NO_ADDRESS, blockId: blockNamed('B') }));
    await validator.signVote(parseChainId('other'), prevote(NO_ADDRESS));
    await immediate();
    expect(signer.logger.named('refused')).toMatchObject([
      {
        level: 'warn',
        fields: {
          outcome: 'refused',
          reason: 'conflicting-sign-bytes',
          code: 'ERR_CONFLICTING_SIGN_BYTES',
          text: expect.stringContaining('conflicting data'),
        },
      },
      { fields: { reason: 'wrong-chain', chain: 'other', code: 'ERR_WRONG_CHAIN' } },
    ]);
  });

  test('for a fault and for an asker that gave up, told apart', async () => {
    await using signer = new ValidatorsOnOneGate();
    const key = new FakeKey(signer);
    const validator = signer.add('v', key);
    key.health = 'gone';
    await expect(validator.signVote(CHAIN, prevote(NO_ADDRESS))).rejects.toThrow();
    await immediate();
    expect(signer.logger.named('failed')).toMatchObject([
      { level: 'error', fields: { outcome: 'failed', code: 'ERR_FAKE_DEVICE_GONE' } },
    ]);
    key.health = 'healthy';
    key.hold();
    const abort = new AbortController();
    const gone = validator.signVote(CHAIN, prevote(NO_ADDRESS), abort);
    await key.untilTaken(1);
    abort.abort(new Error('disconnected'));
    await expect(gone).rejects.toThrow();
    key.release();
    await immediate();
    expect(signer.logger.named('abandoned')).toMatchObject([
      { level: 'warn', fields: { outcome: 'abandoned' } },
    ]);
  });

  test('that names a validator address which is none of ours, and signs all the same (S43)', async () => {
    await using signer = new ValidatorsOnOneGate();
    const key = new FakeKey(signer);
    const validator = signer.add('v', key);
    const stranger = new Uint8Array(20).fill(9);
    const result = await validator.signVote(CHAIN, prevote({ validatorAddress: stranger }));
    expect(result.kind).toBe('signed');
    await immediate();
    expect(signer.logger.named('signed')[0]?.fields).toMatchObject({
      unknownAddress: '09'.repeat(20),
    });
  });

  test('fits one line of JSON whatever was asked', async () => {
    await using signer = new ValidatorsOnOneGate();
    const validator = signer.add('v', new FakeKey(signer));
    await validator.signVote('a\nb' as typeof CHAIN, precommit());
    await validator.signVote(CHAIN, precommit({ height: 2n ** 63n - 1n }));
    await immediate();
    for (const { fields } of signer.logger.lines) {
      const line = JSON.stringify(fields);
      expect(line).not.toContain('\n');
      expect(fields['text'] ?? '').not.toContain('\n');
    }
    expect(await decisions(signer)).toHaveLength(2);
  });

  test('without the key, signatures or any secret in it (S18)', async () => {
    await using signer = new ValidatorsOnOneGate();
    const seed = new Uint8Array(32).map((_, i) => 0x80 + 3 * i);
    const secret = Ed25519SecretKey.fromSeed(new Uint8Array(seed));
    const validator = signer.add('v', MemoryKey.fromSecretKey(secret));
    const signatures: Uint8Array[] = [];
    for (const height of [1n, 2n, 1n]) {
      const result = await validator.signVote(CHAIN, precommit({ height }));
      if (result.kind === 'signed') {
        signatures.push(result.message.signature, result.message.extensionSignature);
      }
    }
    expect(signatures).toHaveLength(4);
    expect(await decisions(signer)).toHaveLength(3);
    const shown = [
      JSON.stringify(signer.logger.lines),
      inspect(signer.logger.lines, { depth: 10 }),
      inspect(validator, { showHidden: true, depth: 10 }),
    ];
    for (const hidden of [seed, ...signatures]) expectNoTrace(shown, hidden);
  });
});
