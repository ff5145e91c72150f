/** Ids for new keys in a YubiHSM 2. */
import { randomInt } from 'node:crypto';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { errorCode } from '@privval/proto/runtime/coded-error';
import type { Command } from 'yubihsm/commands/command';
import { listObjects } from 'yubihsm/commands/object-commands';

/** Ids tried, should the first ones be taken by keys in domains that the session does not see. */
const ATTEMPTS = 8;

/** A session that makes a key. */
export interface KeyMakingSession {
  run<Reply>(command: Command<Reply>, options?: AbortOptions): Promise<Reply>;
}

/**
 * Has the device make a key as `id`, or as one that is free.
 *
 * The free one is chosen here and not by the device, although id 0 asks it to: other implementations
 * of the protocol take that for an id, and the key could never be named. It is a random one, so that
 * keys made in two devices can be backed up to each other's.
 *
 * @throws what the session throws: ERR_YUBIHSM_OBJECT_EXISTS where `id` is taken.
 */
export async function makeKey(
  session: KeyMakingSession,
  id: number | undefined,
  command: (id: number) => Command<number>,
  options: AbortOptions,
): Promise<number> {
  if (id !== undefined) return session.run(command(id), options);
  const keys = await session.run(listObjects({ type: 'asymmetric-key' }), options);
  const taken = new Set(keys.map((key) => key.id));
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await session.run(command(randomIdBut(taken)), options);
    } catch (error) {
      if (errorCode(error) !== 'ERR_YUBIHSM_OBJECT_EXISTS' || attempt === ATTEMPTS) throw error;
    }
  }
}

/** A device has room for 256 objects: most ids are free. */
function randomIdBut(taken: ReadonlySet<number>): number {
  let id = 0;
  while (id === 0 || taken.has(id)) id = randomInt(1, 0xffff);
  return id;
}
