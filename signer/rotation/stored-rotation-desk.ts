/** {@link RotationDesk} of a running signer: wishes become steps, and what follows from them is done. */
import type { SigningKey } from '@privval/hsm/signing-key';
import { type AbortOptions, abortable } from '@privval/proto/runtime/abort';
import { equalBytes, hexFromBytes } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import type { Logger } from '@privval/proto/runtime/logger';
import type { ChainView } from '../chain/chain-view.ts';
import { addRotatedKey } from '../config/rotated-key-edits.ts';
import type { Act } from '../http/access.ts';
import type { DeviceDeps } from '../keyring/devices.ts';
import { type KeyPlace, placesOf } from '../keyring/key-place.ts';
import { keyAt } from '../keyring/key-schedule.ts';
import { isSamePlace, type ProviderOptions } from '../keyring/provider-options.ts';
import { ChainQuestions } from './chain-questions.ts';
import { destroyKey, KeyNotDestroyedError, makeRotationKey } from './make-key.ts';
import { memberOf, planRotation } from './plan-rotation.ts';
import { parsePossession } from './proof-of-possession.ts';
import { provePossession } from './prove-possession.ts';
import type { Rotation } from './rotation.ts';
import { isOpen } from './rotation.ts';
import type {
  FinishRequest,
  NewKeyRequest,
  PlanItem,
  RotationDesk,
  RotationJson,
  TransactionRequest,
} from './rotation-desk.ts';
import { type RotationDriver, rotationEntry } from './rotation-driver.ts';
import {
  NoRotationError,
  newKeyAway,
  PlanRefusedError,
  RotationOpenError,
  RotationRefusedError,
  refused,
} from './rotation-errors.ts';
import { rotationJson } from './rotation-json.ts';
import { refuseProof } from './rotation-rules.ts';
import type { RotationStore } from './rotation-store.ts';
import { kvstoreTransactions, sdkTransactions } from './rotation-transactions.ts';

/** How long a plan waits for a node's RPC that is away: one that was just started is back by then. */
const RPC_PATIENCE_MS = 5_000;
const RPC_LOOK_MS = 100;

/** What the desk needs of one validator that is served. */
export interface RotatedValidator {
  readonly chainId: string;
  /** Of the first key, as configured; absolute. */
  readonly providers: readonly ProviderOptions[];
  /** Of the keys after it. */
  readonly rotatedKeys: readonly KeyPlace[];
  openKey(place: KeyPlace): Promise<unknown>;
  closeKey(publicKey: Uint8Array): Promise<void>;
  key(publicKey: Uint8Array): SigningKey | undefined;
  isInService(publicKey: Uint8Array): boolean;
}

/** Collaborators of a {@link StoredRotationDesk}. */
export interface RotationDeskDeps {
  readonly rotations: RotationStore;
  readonly driver: RotationDriver;
  readonly floorHeight: (validator: string) => bigint;
  readonly isFrozen: (validator: string) => boolean;
  /** The places of keys are read anew each time: a person may have moved one. @throws {UnknownValidatorError} ERR_UNKNOWN_VALIDATOR */
  readonly validatorOf: (validator: string) => RotatedValidator;
  readonly devices?: DeviceDeps['devices'] | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Where the home is. */
export interface RotationDeskOptions {
  readonly home: string;
}

/** The desk. What takes longer than a turn is done one after the other for each validator. */
export class StoredRotationDesk implements RotationDesk {
  readonly #deps: RotationDeskDeps;
  readonly #home: string;
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(deps: RotationDeskDeps, { home }: RotationDeskOptions) {
    this.#deps = deps;
    this.#home = home;
  }

  async plan(validator: string, options: AbortOptions = {}): Promise<readonly PlanItem[]> {
    const { rotations, driver, isFrozen, validatorOf } = this.#deps;
    const { isInService, ...served } = this.#served(validator, validatorOf(validator));
    const currentKey = this.#currentKey(validator);
    const view = driver.chain(validator);
    const chain = this.#chain(validator);
    const [place] = placesOf([currentKey], served.places);
    if (view !== undefined) await untilFollowed(view, this.#deps.clock, options);
    const status = await chain.ask((rpc) => rpc.status(options), options);
    const tip = status?.latestHeight ?? view?.tip();
    return planRotation({
      newest: rotations.rotations(validator).findLast(({ state }) => isOpen(state)),
      currentKey,
      isKeyInService: isInService(currentKey),
      isKeyInFile: place?.providers[0]?.kind === 'file',
      followers: view?.followers() ?? [],
      status,
      set: await chain.set(tip, options),
      params:
        tip === undefined
          ? undefined
          : await chain.ask((rpc) => rpc.evidenceParams(tip, options), options),
      isFrozen: isFrozen(validator),
    });
  }

  generate(
    validator: string,
    key: NewKeyRequest,
    act: Act,
    options: AbortOptions = {},
  ): Promise<RotationJson> {
    return this.#inTurn(validator, async () => {
      const { rotations, validatorOf, clock, logger, devices } = this.#deps;
      const open = rotations.rotations(validator).find(({ state }) => isOpen(state));
      if (open !== undefined) throw new RotationOpenError(validator, open.state);
      const red = (await this.plan(validator, options)).filter(({ state }) => state === 'red');
      if (red.length > 0) throw new PlanRefusedError(red);
      const served = this.#served(validator, validatorOf(validator));
      const places = served.places.flatMap(({ providers }) => providers);
      const made = await makeRotationKey({ clock, logger, devices }, key, {
        home: this.#home,
        validator,
        places,
        signal: options.signal,
      });
      // From here on a failure leaves at most the place of a key that nobody uses.
      await made.withRemoval(async () => addRotatedKey(this.#home, validator, made.place));
      const { publicKey } = made.place;
      const rotation = rotations.begin(
        { validator, newKey: publicKey },
        entryOfBeginning(rotations, { validator, publicKey, by: byOf(act) }),
      );
      logger.info({ validator, rotation: String(rotation.id) }, 'a rotation has begun');
      await this.#openNewKey(validator, publicKey);
      return this.status(validator);
    });
  }

  prove(
    validator: string,
    operator: string | undefined,
    act: Act,
    options: AbortOptions = {},
  ): Promise<RotationJson> {
    return this.#inTurn(validator, async () => {
      const { driver, validatorOf, clock } = this.#deps;
      const rotation = this.#newest(validator);
      if (rotation.proof !== undefined) return this.status(validator);
      // Looked at before the key is: only one that was never active proves anything (S47).
      const refusal = refuseProof(rotation);
      if (refusal !== undefined) throw new RotationRefusedError(refusal);
      const served = validatorOf(validator);
      const key = served.key(rotation.newKey);
      if (key === undefined) throw newKeyAway();
      const request = {
        chainId: served.chainId,
        operator: operator ?? '',
        oldKey: rotation.oldKey,
      };
      const proof = await provePossession({ key, clock }, request, options);
      driver.tell(rotation, { kind: 'proved', proof }, byOf(act));
      return this.status(validator);
    });
  }

  transactions(
    validator: string,
    wanted: TransactionRequest,
    act: Act,
    options: AbortOptions = {},
  ): Promise<readonly string[]> {
    return this.#inTurn(validator, async () => {
      const rotation = this.#newest(validator);
      const { state, proof } = rotation;
      if (state === 'generated' || state === 'aborted' || proof === undefined) {
        const text =
          state === 'aborted'
            ? 'this rotation is aborted'
            : 'the new key has proven nothing yet: signer keys rotate prove comes first';
        throw refused('ERR_ROTATION_STATE', text);
      }
      if (wanted.format === 'kvstore') return this.#kvstore(rotation, wanted, act, options);
      const operator = wanted.operator ?? parsePossession(proof.message).operator;
      if (operator === '') {
        const text = 'whose transaction is it? Give --operator with the operator address';
        throw refused('ERR_OPERATOR_MISSING', text);
      }
      return sdkTransactions(rotation, operator);
    });
  }

  arm(validator: string, arming: Parameters<RotationDesk['arm']>[1], act: Act): RotationJson {
    const { driver, validatorOf } = this.#deps;
    const rotation = this.#newest(validator);
    const isNew = rotation.activationHeight === undefined;
    if (isNew && !validatorOf(validator).isInService(rotation.newKey)) throw newKeyAway();
    driver.tell(rotation, { kind: 'arm-asked', ...arming }, byOf(act));
    return this.status(validator);
  }

  status(validator: string): RotationJson {
    const { rotations, driver, floorHeight, validatorOf } = this.#deps;
    const all = rotations.rotations(validator);
    const newest = all.at(-1);
    return rotationJson(all, {
      validator,
      floorHeight: floorHeight(validator),
      hasChain: driver.chain(validator) !== undefined,
      isNewKeyInService: newest !== undefined && validatorOf(validator).isInService(newest.newKey),
    });
  }

  async verified(validator: string, options: AbortOptions = {}): Promise<RotationJson> {
    const { driver } = this.#deps;
    const { promise, resolve } = Promise.withResolvers<void>();
    const isOver = (): boolean => {
      const { state } = this.status(validator);
      return !isOpen(state === 'none' ? 'aborted' : state);
    };
    using _ = driver.onChange((changed) => {
      if (changed === validator && isOver()) resolve();
    });
    if (!isOver()) await abortable(promise, options);
    return this.status(validator);
  }

  finish(
    validator: string,
    { oldKey, isWindowOver }: FinishRequest,
    act: Act,
  ): Promise<RotationJson> {
    return this.#inTurn(validator, async () => {
      const { driver } = this.#deps;
      const rotation = this.#retiring(validator, oldKey);
      const view = driver.chain(validator);
      const [height, timeMs] = [view?.tip(), view?.tipTimeMs()];
      const tip = height === undefined || timeMs === undefined ? undefined : { height, timeMs };
      const { effects } = driver.tell(
        rotation,
        { kind: 'finish-asked', tip, isWindowOver },
        byOf(act),
      );
      for (const effect of effects) {
        if (effect.kind === 'destroy-key') await this.#destroy(validator, effect.publicKey);
      }
      return this.status(validator);
    });
  }

  abort(validator: string, act: Act): RotationJson {
    this.#deps.driver.tell(this.#newest(validator), { kind: 'abort-asked' }, byOf(act));
    return this.status(validator);
  }

  /** The power is the old key's as the chain has it, unless it is said. The removal is remembered before it is printed (S48). */
  async #kvstore(
    rotation: Rotation,
    { power }: TransactionRequest,
    act: Act,
    options: AbortOptions,
  ): Promise<readonly string[]> {
    const { driver } = this.#deps;
    const { validator, newKeyIn, oldKeyOut, oldKey } = rotation;
    const view = driver.chain(validator);
    const chain = this.#chain(validator);
    const set =
      power === undefined ? await chain.set(await chain.tip(options), options) : undefined;
    const known = power ?? (set && memberOf(set, oldKey)?.power);
    if (known === undefined && newKeyIn === undefined) {
      const text = 'no RPC tells the power of the old key: give --power N for the new one';
      throw refused('ERR_POWER_UNKNOWN', text);
    }
    if (oldKeyOut === undefined) {
      driver.tell(rotation, { kind: 'removal-printed' }, byOf(act));
    }
    const version = view?.followers().find((follower) => follower.version !== undefined)?.version;
    return kvstoreTransactions(rotation, {
      power: known ?? 0n,
      isNewKeyIn: newKeyIn !== undefined,
      isOldKeyOut: oldKeyOut !== undefined,
      isUntyped: version !== undefined && /^v?0\.3[4-7]\./.test(version),
    });
  }

  /** Its place is in the file already, or the key is not opened before the next start. */
  async #openNewKey(validator: string, publicKey: Uint8Array): Promise<void> {
    const served = this.#served(validator, this.#deps.validatorOf(validator));
    const [place] = placesOf([publicKey], served.places);
    if (place !== undefined) await served.openKey(place);
  }

  /** The row says so already; until this has worked, finish may be called again. */
  async #destroy(validator: string, publicKey: Uint8Array): Promise<void> {
    const { validatorOf, rotations, clock, logger, devices } = this.#deps;
    const served = this.#served(validator, validatorOf(validator));
    await served.closeKey(publicKey);
    const [place] = placesOf([publicKey], served.places);
    if (place === undefined) return;
    const inUse = placesOf(
      rotations
        .keysOf(validator)
        .filter((key) => key.state !== 'destroyed')
        .map((key) => key.publicKey),
      served.places,
    ).flatMap(({ providers }) => providers);
    const shared = place.providers.find((one) => inUse.some((other) => isSamePlace(one, other)));
    if (shared !== undefined) {
      throw new KeyNotDestroyedError('a place that signer.toml names for a key in use too');
    }
    await destroyKey({ clock, logger, devices }, place);
    logger.info(
      { validator, key: hexFromBytes(publicKey).slice(0, 8) },
      'the old key is destroyed',
    );
  }

  /** Old keys are finished one by one, the one that has been retiring longest first. */
  #retiring(validator: string, oldKey: Uint8Array | undefined): Rotation {
    const all = this.#deps.rotations.rotations(validator);
    const ofKey = (one: Rotation): boolean =>
      oldKey === undefined || equalBytes(one.oldKey, oldKey);
    const isRetiring = ({ state }: Rotation): boolean =>
      state === 'retiring' || state === 'verified';
    const found =
      all.find((one) => isRetiring(one) && ofKey(one)) ??
      all.findLast((one) => one.state === 'finished' && ofKey(one)) ??
      all.findLast(ofKey);
    if (found === undefined) throw new NoRotationError(validator);
    return found;
  }

  #newest(validator: string): Rotation {
    const newest = this.#deps.rotations.newest(validator);
    if (newest === undefined) throw new NoRotationError(validator);
    return newest;
  }

  #currentKey(validator: string): Uint8Array {
    const { rotations, floorHeight } = this.#deps;
    return keyAt(rotations.scheduleOf(validator), floorHeight(validator) + 1n);
  }

  #served(
    validator: string,
    served: RotatedValidator,
  ): Pick<RotatedValidator, 'openKey' | 'closeKey' | 'isInService'> & {
    readonly places: readonly KeyPlace[];
  } {
    const [first] = this.#deps.rotations.scheduleOf(validator);
    return {
      places: [{ publicKey: first.publicKey, providers: served.providers }, ...served.rotatedKeys],
      openKey: (place) => served.openKey(place),
      closeKey: (key) => served.closeKey(key),
      isInService: (key) => served.isInService(key),
    };
  }

  #chain(validator: string): ChainQuestions {
    const { driver, logger } = this.#deps;
    return new ChainQuestions({ view: driver.chain(validator), logger });
  }

  #inTurn<T>(validator: string, run: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(validator) ?? Promise.resolve();
    const turn = before.then(run, run);
    this.#turns.set(
      validator,
      turn.catch(() => undefined),
    );
    return turn;
  }
}

function byOf({ by, approvedBy }: Act): string {
  return approvedBy === undefined ? by : `${by}, approved by ${approvedBy}`;
}

function entryOfBeginning(
  rotations: RotationStore,
  {
    validator,
    publicKey,
    by,
  }: { readonly validator: string; readonly publicKey: Uint8Array; readonly by: string },
): ReturnType<typeof rotationEntry> {
  const id = (rotations.newest(validator)?.id ?? 0n) + 1n;
  const rotation = {
    id,
    validator,
    state: 'generated',
    activationHeight: undefined,
    newKey: publicKey,
  } as const;
  return rotationEntry(rotation, { from: 'none', event: 'generated', by });
}

/** Until every node's RPC answers, or for as long as a plan is patient. */
async function untilFollowed(
  view: Pick<ChainView, 'followers'>,
  clock: Clock,
  options: AbortOptions,
): Promise<void> {
  const isAway = (): boolean =>
    view.followers().some(({ source, mode }) => source.kind === 'node' && mode === 'lost');
  const deadlineMs = clock.monotonicMs() + RPC_PATIENCE_MS;
  while (isAway() && clock.monotonicMs() < deadlineMs) await clock.sleep(RPC_LOOK_MS, options);
}
