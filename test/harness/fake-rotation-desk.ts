/** Rotations without keys, chains or disks: each call moves the state a person would see. */
import { publicKeyToJson } from '@privval/proto/crypto/key-json';
import { ed25519PublicKey } from '@privval/proto/crypto/public-key';
import { type AbortOptions, abortable } from '@privval/proto/runtime/abort';
import { CodedError } from '@privval/proto/runtime/coded-error';
import type { Act } from '@privval/signer/http/access';
import type {
  FinishRequest,
  NewKeyRequest,
  PlanItem,
  RotationDesk,
  RotationJson,
  TransactionRequest,
} from '@privval/signer/rotation/rotation-desk';

/** What the real desk throws while a rotation is open. */
class FakeRotationOpenError extends CodedError {
  override readonly name = 'FakeRotationOpenError';
  readonly code = 'ERR_ROTATION_OPEN';
}

const OLD_KEY = publicKeyToJson(ed25519PublicKey(new Uint8Array(32).fill(1)));
const NEW_KEY = publicKeyToJson(ed25519PublicKey(new Uint8Array(32).fill(2)));

/** What was asked of the desk. */
export interface DeskCall {
  readonly what: string;
  readonly validator: string;
  readonly wanted: unknown;
  readonly act: Act | undefined;
}

/** One rotation a validator. `calls` has every one that changes something, with its act. */
export class FakeRotationDesk implements RotationDesk {
  readonly calls: DeskCall[] = [];
  /** What `plan` finds. */
  items: readonly PlanItem[] = [
    { id: 'node-reachable', state: 'green', text: 'the node answers' },
    { id: 'fee', state: 'unknown', text: 'the fee is not known', remedy: 'look it up' },
  ];
  readonly #rotations = new Map<string, RotationJson>();
  readonly #verified = Promise.withResolvers<void>();
  readonly #assertKnown: (validator: string) => void;

  /** @param assertKnown throws for a validator that is not there */
  constructor(assertKnown: (validator: string) => void = () => undefined) {
    this.#assertKnown = assertKnown;
  }

  /** Sets what `status` tells. */
  set(validator: string, change: Partial<RotationJson>): RotationJson {
    const rotation = { ...this.status(validator), ...change };
    this.#rotations.set(validator, rotation);
    return rotation;
  }

  /** Lets everybody who waits for a verification go on. */
  verify(validator: string): void {
    this.set(validator, { state: 'verified' });
    this.#verified.resolve();
  }

  async plan(validator: string, options: AbortOptions = {}): Promise<readonly PlanItem[]> {
    options.signal?.throwIfAborted();
    this.#assertKnown(validator);
    return this.items;
  }

  async generate(validator: string, key: NewKeyRequest, act: Act): Promise<RotationJson> {
    const { state } = this.status(validator);
    if (['generated', 'proven', 'armed', 'switched', 'held'].includes(state)) {
      throw new FakeRotationOpenError('a rotation is open');
    }
    this.#note('generate', validator, key, act);
    return this.set(validator, {
      state: 'generated',
      oldKey: OLD_KEY,
      newKey: NEW_KEY,
      activationHeight: null,
      armedBy: null,
    });
  }

  async prove(validator: string, operator: string | undefined, act: Act): Promise<RotationJson> {
    this.#note('prove', validator, operator, act);
    return this.set(validator, { state: 'proven' });
  }

  async transactions(
    validator: string,
    wanted: TransactionRequest,
    act: Act,
  ): Promise<readonly string[]> {
    this.#note('tx', validator, wanted, act);
    if (wanted.format === 'sdk') return ['{"pubkey":"…"}', '{"body":{"messages":[]}}'];
    return [
      `val=ed25519!${NEW_KEY.value}!${wanted.power ?? 10n}`,
      `val=ed25519!${OLD_KEY.value}!0`,
    ];
  }

  arm(
    validator: string,
    arming: {
      readonly atHeight: bigint;
      readonly isPassed: boolean;
      readonly isConfirmed: boolean;
    },
    act: Act,
  ): RotationJson {
    this.#note('arm', validator, arming, act);
    return this.set(validator, {
      state: 'armed',
      activationHeight: String(arming.atHeight),
      armedBy: 'hand',
    });
  }

  status(validator: string): RotationJson {
    this.#assertKnown(validator);
    return (
      this.#rotations.get(validator) ?? {
        validator,
        state: 'none',
        oldKey: null,
        newKey: null,
        activationHeight: null,
        armedBy: null,
        missedHeights: [],
        notes: [],
        retiring: [],
      }
    );
  }

  async verified(validator: string, options: AbortOptions = {}): Promise<RotationJson> {
    const { state } = this.status(validator);
    if (state !== 'verified') await abortable(this.#verified.promise, options);
    return this.status(validator);
  }

  async finish(validator: string, wanted: FinishRequest, act: Act): Promise<RotationJson> {
    this.#note('finish', validator, wanted, act);
    return this.set(validator, { state: 'finished' });
  }

  abort(validator: string, act: Act): RotationJson {
    this.#note('abort', validator, undefined, act);
    return this.set(validator, { state: 'aborted' });
  }

  #note(what: string, validator: string, wanted: unknown, act: Act): void {
    this.#assertKnown(validator);
    this.calls.push({ what, validator, wanted, act });
  }
}
