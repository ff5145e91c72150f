import { makeKey } from '@privval/hsm/provisioning/free-key-id';
import { expect, test } from 'vitest';
import { generateAsymmetricKey } from 'yubihsm/commands/asymmetric-key-commands';
import type { Command } from 'yubihsm/commands/command';
import { ObjectExistsError } from 'yubihsm/device-errors';

const PARAMS = {
  label: 'a',
  domains: [1],
  capabilities: ['sign-eddsa'],
  algorithm: 'ed25519',
} as const;

/** A device that takes id 0 for an id, as other implementations of the protocol do. */
class LiteralDevice {
  readonly shown: readonly number[];
  /** Ids of keys in domains that the session does not see. */
  readonly hiding: (id: number) => boolean;
  readonly asked: number[] = [];

  constructor(
    options: { readonly shown?: readonly number[]; readonly hiding?: (id: number) => boolean } = {},
  ) {
    this.shown = options.shown ?? [];
    this.hiding = options.hiding ?? (() => false);
  }

  async run<Reply>(command: Command<Reply>): Promise<Reply> {
    if (command.name === 'ListObjects') {
      return command.decode(
        Uint8Array.from(this.shown.flatMap((id) => [id >>> 8, id & 0xff, 3, 0])),
      );
    }
    const [high = 0, low = 0] = command.data;
    const id = (high << 8) | low;
    this.asked.push(id);
    if (this.shown.includes(id) || this.hiding(id)) throw new ObjectExistsError(command.name);
    return command.decode(command.data.slice(0, 2));
  }
}

function make(device: LiteralDevice, id?: number): Promise<number> {
  const generate = (free: number) => generateAsymmetricKey({ ...PARAMS, id: free });
  return makeKey(device, id, generate, {});
}

test('a key without an id gets one that names an object: not 0, which some devices store as 0', async () => {
  for (let i = 0; i < 50; i++) {
    const device = new LiteralDevice();
    const id = await make(device);
    expect(device.asked).toEqual([id]);
    expect(id).toBeGreaterThan(0);
    expect(id).toBeLessThan(0xffff);
  }
});

test('ids that are seen to be taken are not tried: some devices break at a second object', async () => {
  const free = 0x1234;
  const shown = Array.from({ length: 0xfffe }, (_, at) => at + 1).filter((id) => id !== free);
  const device = new LiteralDevice({ shown });
  expect(await make(device)).toBe(free);
  expect(device.asked).toEqual([free]);
});

test('an id taken by a key in other domains is passed over, a few times', async () => {
  const tries: number[] = [];
  const once = new LiteralDevice({ hiding: (id) => tries.push(id) === 1 });
  expect(await make(once)).toBe(once.asked[1]);
  const always = new LiteralDevice({ hiding: () => true });
  await expect(make(always)).rejects.toMatchObject({ code: 'ERR_YUBIHSM_OBJECT_EXISTS' });
  expect(always.asked).toHaveLength(8);
});

test('an id that was asked for is that one, or an error', async () => {
  expect(await make(new LiteralDevice(), 7)).toBe(7);
  const taken = new LiteralDevice({ shown: [7] });
  await expect(make(taken, 7)).rejects.toMatchObject({ code: 'ERR_YUBIHSM_OBJECT_EXISTS' });
  expect(taken.asked).toEqual([7]);
});
