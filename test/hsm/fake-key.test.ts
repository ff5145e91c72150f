import { describe, expect, test } from 'vitest';
import { FakeKey, type FakeKeyHealth } from '../harness/fake-key.ts';
import { opensslVerifies } from '../harness/independent-ed25519.ts';
import { ManualClock } from '../harness/manual-clock.ts';

const ONE = new Uint8Array([1]);
const TWO = new Uint8Array([2]);

describe('the fake device', () => {
  test('takes its time, one signature after the other', async () => {
    const clock = new ManualClock();
    await using key = new FakeKey({ clock }, { signMs: 115 });
    const done: string[] = [];
    const first = key.sign(ONE).then(() => done.push('one'));
    const second = key.sign(TWO).then(() => done.push('two'));
    await key.untilTaken(1);
    await clock.advance(114);
    expect(done).toEqual([]);
    await clock.advance(1);
    expect(done).toEqual(['one']);
    expect(key.taken).toEqual([ONE, TWO]);
    await clock.advance(115);
    await Promise.all([first, second]);
    expect(done).toEqual(['one', 'two']);
  });

  test('ends the wait of an abort and finishes the signature all the same', async () => {
    await using key = new FakeKey({ clock: new ManualClock() });
    key.hold();
    const abort = new AbortController();
    const asked = key.sign(ONE, { signal: abort.signal });
    await key.untilTaken(1);
    const reason = new Error('enough');
    abort.abort(reason);
    await expect(asked).rejects.toBe(reason);
    key.release();
    await expect(key.sign(TWO)).resolves.toHaveLength(64);
    expect(key.taken).toEqual([ONE, TWO]);
  });

  test('never takes up a message whose asker gave up while it waited in line', async () => {
    await using key = new FakeKey({ clock: new ManualClock() });
    key.hold();
    const first = key.sign(ONE);
    const abort = new AbortController();
    const second = key.sign(TWO, { signal: abort.signal });
    await key.untilTaken(1);
    abort.abort(new Error('enough'));
    await expect(second).rejects.toThrow('enough');
    key.release();
    await first;
    await key.sign(ONE);
    expect(key.taken).toEqual([ONE, ONE]);
  });

  test.each<[FakeKeyHealth, string]>([
    ['failing', 'ERR_FAKE_DEVICE_FAILED'],
    ['gone', 'ERR_FAKE_DEVICE_GONE'],
  ])('says so when %s, and works again when it is back', async (health, code) => {
    await using key = new FakeKey({ clock: new ManualClock() });
    key.health = health;
    await expect(key.sign(ONE)).rejects.toMatchObject({ code });
    key.health = 'healthy';
    await expect(key.sign(ONE)).resolves.toHaveLength(64);
  });

  test('gives a signature that does not verify when told to', async () => {
    await using key = new FakeKey({ clock: new ManualClock() });
    key.health = 'wrong-signature';
    const signature = await key.sign(ONE);
    expect(opensslVerifies(key.publicKey.bytes, ONE, signature)).toBe(false);
  });
});
