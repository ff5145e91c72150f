/** Conflicting requests raced through a gate: what would have to go wrong for a double sign, as often as possible. */

import { setImmediate as turn } from 'node:timers/promises';
import type { SigningKey } from '@privval/hsm/signing-key';
import { parseSignBytes } from '@privval/proto/codec/sign-bytes';
import type { PublicKey } from '@privval/proto/crypto/public-key';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { hexFromBytes } from '@privval/proto/runtime/bytes';
import { systemClock } from '@privval/proto/runtime/clock';
import { CodedError, errorCode } from '@privval/proto/runtime/coded-error';
import { silentLogger } from '@privval/proto/runtime/logger';
import { Gate } from '@privval/signer/guard/gate';
import { formatPosition, type Hrs, type Step } from '@privval/signer/guard/hrs';
import type { SignStateStore } from '@privval/signer/guard/sign-state-store';
import { SeededRandom } from './seeded-random.ts';
import { CHAIN, signBytesOf } from './sign-requests.ts';

/** Validators that race side by side, so that their reservations share transactions. */
const VALIDATORS = 16;

/** Positions behind the newest whose messages are still compared: more than any forsaken signature lags. */
const KEPT_POSITIONS = 64;

const STEPS: readonly [Step, Step, Step] = ['propose', 'prevote', 'precommit'];

/** Blocks that are proposed at one position, at the most: each pair of them is a double sign to be. */
const MAX_CONTENDERS = 6;

/** Why an asker goes away. */
const LEFT = new Error('left');

/** What came of a race. */
export interface RaceReport {
  /** Pairs of conflicting requests that were under way for one position at once. */
  readonly pairs: number;
  /** Positions they were for, in all validators. */
  readonly positions: number;
  readonly signed: number;
  /** By code. */
  readonly refused: Readonly<Record<string, number>>;
  readonly aborted: number;
  readonly faults: number;
  /** Positions at which two different messages were put before a key, or released. None, or the product is broken. */
  readonly violations: readonly string[];
}

/** The one message of each position, as it was first seen; another one is a violation. */
class Witness {
  readonly violations: string[] = [];
  readonly #messages = new Map<string, string>();

  see(what: string, validator: string, at: Hrs, signBytes: Uint8Array): void {
    const position = `${validator} at ${formatPosition(at)}`;
    const message = hexFromBytes(signBytes);
    const first = this.#messages.get(position);
    if (first === undefined) this.#messages.set(position, message);
    else if (first !== message) {
      this.violations.push(`${what} at ${position}: ${message} after ${first}`);
    }
    if (this.#messages.size > VALIDATORS * KEPT_POSITIONS) {
      const [oldest = ''] = this.#messages.keys();
      this.#messages.delete(oldest);
    }
  }
}

/** A key that is slow, deaf, broken or quick, as chance will have it, and shows the witness all it is given. */
class RacedKey implements SigningKey {
  readonly publicKey: PublicKey;
  readonly signNow?: (message: Uint8Array) => Uint8Array;
  readonly #validator: string;
  readonly #secret: Ed25519SecretKey;
  readonly #random: SeededRandom;
  readonly #witness: Witness;

  constructor(validator: string, quick: boolean, random: SeededRandom, witness: Witness) {
    this.#validator = validator;
    this.#secret = Ed25519SecretKey.generate();
    this.#random = random;
    this.#witness = witness;
    this.publicKey = this.#secret.publicKey;
    if (quick) this.signNow = (message) => this.#signOrFail(message);
  }

  async sign(message: Uint8Array, options: AbortOptions = {}): Promise<Uint8Array> {
    const deaf = this.#random.below(2) === 0;
    for (let turns = this.#random.below(4); turns > 0; turns--) {
      await turn();
      if (!deaf) options.signal?.throwIfAborted();
    }
    return this.#signOrFail(message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#secret[Symbol.dispose]();
  }

  #signOrFail(message: Uint8Array): Uint8Array {
    const said = parseSignBytes(message);
    const step = said.kind === 'vote' ? said.type : 'propose';
    this.#witness.see('put before the key', this.#validator, { ...said, step }, message);
    const chance = this.#random.below(50);
    if (chance === 0) throw new RacedKeyError('the device hiccups');
    const signature = this.#secret.sign(message);
    if (chance === 1) signature[5] = (signature[5] ?? 0) ^ 4;
    return signature;
  }
}

class RacedKeyError extends CodedError {
  override readonly name = 'RacedKeyError';
  readonly code = 'ERR_RACED_KEY';
}

/**
 * Races at least `options.pairs` pairs of conflicting requests through a gate over `store`, which
 * must be empty: two to six blocks at one position, at random turns, with random aborts, repeats at
 * other times, requests for the position before, keys that fail; `options.seed` repeats it.
 */
export async function racePairs(
  store: SignStateStore,
  options: { readonly pairs: number; readonly seed: number },
): Promise<RaceReport> {
  const random = new SeededRandom(options.seed);
  const witness = new Witness();
  const keys = Array.from(
    { length: VALIDATORS },
    (_, i) => new RacedKey(`v${i}`, i % 4 === 0, random, witness),
  );
  for (const [i, { publicKey }] of keys.entries()) {
    const record = { name: `v${i}`, chainId: CHAIN, publicKey: publicKey.bytes };
    store.addValidator(record, { height: 0n, round: 0, step: 'none' });
  }
  const tally = { signed: 0, aborted: 0, faults: 0, refused: {} as Record<string, number> };
  const gate = new Gate({ store, clock: systemClock, logger: silentLogger });

  async function ask(validator: string, key: SigningKey, at: Hrs, block: string): Promise<void> {
    const signBytes = signBytesOf({ at, block, seconds: random.below(5) });
    for (let turns = random.below(3); turns > 0; turns--) await turn();
    const leaving = random.below(4) === 0 ? new AbortController() : undefined;
    const asked = gate.sign({ validator, at, signBytes, key }, { signal: leaving?.signal });
    if (leaving !== undefined) leaveLater(leaving, random.below(4));
    try {
      const result = await asked;
      if (result.kind === 'signed') {
        tally.signed++;
        witness.see('released', validator, at, result.signBytes);
      } else tally.refused[result.code] = (tally.refused[result.code] ?? 0) + 1;
    } catch (error) {
      if (error === LEFT) tally.aborted++;
      else if (/^ERR_(RACED_KEY|SIGNATURE_INVALID)$/.test(errorCode(error))) tally.faults++;
      else throw error;
    }
  }

  let pairs = 0;
  let positions = 0;

  function contend(
    index: number,
    key: RacedKey,
    at: Hrs,
    before: Hrs | undefined,
  ): Promise<void>[] {
    const validator = `v${index}`;
    const contenders = 2 + random.below(MAX_CONTENDERS - 1);
    const first = random.below(MAX_CONTENDERS);
    const asks = Array.from({ length: contenders }, (_, i) =>
      ask(validator, key, at, `block ${(first + i) % MAX_CONTENDERS}`),
    );
    // One of them once more, at another time perhaps; and one for the position before.
    if (random.below(3) === 0) asks.push(ask(validator, key, at, `block ${first}`));
    if (before !== undefined && random.below(4) === 0)
      asks.push(ask(validator, key, before, 'late'));
    pairs += (contenders * (contenders - 1)) / 2;
    positions++;
    return asks;
  }

  let before: Hrs | undefined;
  for (let count = 3; pairs < options.pairs; count++) {
    const at: Hrs = {
      height: BigInt(Math.floor(count / 6)),
      round: Math.floor((count % 6) / 3),
      step: STEPS[count % 3] ?? 'propose',
    };
    const last = before;
    await Promise.all(keys.flatMap((key, index) => contend(index, key, at, last)));
    before = at;
  }
  await gate[Symbol.asyncDispose]();
  for (const key of keys) await key[Symbol.asyncDispose]();
  return { pairs, positions, ...tally, violations: witness.violations };
}

function leaveLater(leaving: AbortController, turns: number): void {
  const leave = (left: number): void => {
    if (left === 0) leaving.abort(LEFT);
    else setImmediate(() => leave(left - 1));
  };
  leave(turns);
}
