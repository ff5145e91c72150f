/** The signer's composition root: what is opened, in which order, and closed in the reverse one. */
import type { KeyProvider } from '@privval/hsm/key-provider';
import { ed25519PublicKey } from '@privval/proto/crypto/public-key';
import type { PrivValidator } from '@privval/proto/privval/priv-validator';
import { type AbortOptions, abortable, anySignal } from '@privval/proto/runtime/abort';
import { base64FromBytes } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import type { Logger } from '@privval/proto/runtime/logger';
import type { RandomSource } from '@privval/proto/runtime/random';
import { AuditJournal } from './audit/audit-journal.ts';
import type { AuditLog } from './audit/audit-log.ts';
import { auditObserver } from './audit/audit-observer.ts';
import { HomeAuditLog, type HomeAuditLogOptions } from './audit/home-audit-log.ts';
import type { ChainView } from './chain/chain-view.ts';
import { type DialNode, dialNode } from './connection/dial-node.ts';
import { checkGrpcListen } from './connection/grpc-options.ts';
import type { ConnectionChange } from './connection/node-link.ts';
import { StoredControlDesk } from './controls/control-desk.ts';
import { ValidatorControls } from './controls/validator-controls.ts';
import { Gate } from './guard/gate.ts';
import { acquireHomeLock } from './guard/home-lock.ts';
import { SideVerifier } from './guard/side-verifier.ts';
import { UnknownValidatorError } from './guard/sign-state-errors.ts';
import type { SignStateStore, ValidatorRecord } from './guard/sign-state-store.ts';
import type { KeyFault } from './guard/signing-flights.ts';
import { SqliteSignStateStore } from './guard/sqlite-sign-state-store.ts';
import { homePaths } from './home/home-paths.ts';
import { readIdentity } from './home/identity.ts';
import type { DeviceDeps } from './keyring/devices.ts';
import { KeyClaims } from './keyring/key-claims.ts';
import { unknownPlaces } from './keyring/key-place.ts';
import { type KeySchedules, keyAt } from './keyring/key-schedule.ts';
import type { Keyring } from './keyring/keyring.ts';
import { ProviderDoor } from './keyring/provider-door.ts';
import type { ProviderOptions } from './keyring/provider-options.ts';
import type { DecisionObserver } from './priv-validator/decision-outcome.ts';
import { LocalPrivValidator } from './priv-validator/local-priv-validator.ts';
import type { RotationDesk } from './rotation/rotation-desk.ts';
import { servingKeys } from './rotation/serving-keys.ts';
import { SignerRotations } from './rotation/signer-rotations.ts';
import type { SqliteRotationStore } from './rotation/sqlite-rotation-store.ts';
import { ConfigBindingError, NoValidatorInServiceError } from './signer-errors.ts';
import type { SignerStatus, ValidatorFault, ValidatorStatus } from './signer-status.ts';
import { SignerValidator, type ValidatorOptions } from './signer-validator.ts';

/** How long a start waits for another process to leave the home (S15). */
const LOCK_WAIT_MS = 5_000;

/** How long a start waits for the first device to come (S26). */
const IN_SERVICE_WAIT_MS = 30_000;

/** Collaborators of a {@link Signer}. */
export interface SignerDeps {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly logger: Logger;
  /** How nodes are dialled. @default {@link dialNode} with the home's identity */
  readonly dial?: DialNode | undefined;
  /** Where new keys are made in devices, and old ones deleted. @default those that are there */
  readonly devices?: DeviceDeps['devices'] | undefined;
  /** How the places of keys are opened; what it gives is the signer's. @default {@link ProviderDoor} */
  readonly openProvider?: ((options: ProviderOptions) => Promise<KeyProvider>) | undefined;
  /** Hears how each request ended, as the audit log does. */
  readonly observer?: DecisionObserver | undefined;
  /** Hears of connections that come and go, as the audit log does. */
  readonly onConnection?: ((validator: string, change: ConnectionChange) => void) | undefined;
  /** The newest block of a validator's chain that is known (S33). @default nothing is known */
  readonly tipOf?: ((validator: string) => bigint | undefined) | undefined;
}

/** What a {@link Signer} serves, and from where. */
export interface SignerOptions {
  /** The home: the folder of the floor and the lock. */
  readonly home: string;
  /** The signer's own identity, which nodes see and may pin. */
  readonly identityFile: string;
  readonly validators: readonly ValidatorOptions[];
  /** Bounds of the audit log. @default those of {@link HomeAuditLogOptions} */
  readonly audit?: Omit<HomeAuditLogOptions, 'home'> | undefined;
  /** @default 5000 */
  readonly lockWaitMs?: number | undefined;
}

/**
 * A running signer: one home, any number of validators, chains and nodes.
 *
 * They share the store, whose failure stops all signing (S9), and nothing else: a fault of a key,
 * node or network stays with its validator or connection. Each validator dials as soon as its key
 * is checked, since a node that starts waits 3 s for its signer.
 */
export class Signer implements AsyncDisposable {
  readonly #validators: SignerValidator[];
  readonly #store: SqliteSignStateStore;
  readonly #controls: StoredControlDesk;
  readonly #audit: HomeAuditLog;
  readonly #rotations: SignerRotations;
  readonly #startedAtMs: number;
  readonly #resources: AsyncDisposableStack;

  private constructor(running: {
    readonly validators: SignerValidator[];
    readonly store: SqliteSignStateStore;
    readonly controls: StoredControlDesk;
    readonly audit: HomeAuditLog;
    readonly rotations: SignerRotations;
    readonly startedAtMs: number;
    readonly resources: AsyncDisposableStack;
  }) {
    this.#validators = running.validators;
    this.#store = running.store;
    this.#controls = running.controls;
    this.#audit = running.audit;
    this.#rotations = running.rotations;
    this.#startedAtMs = running.startedAtMs;
    this.#resources = running.resources;
  }

  /**
   * Opens the home and serves every validator whose key can be used. It resolves once one is in
   * service and every key file was looked at; the others come when their devices do (S26).
   *
   * @throws {HomeLockedError} ERR_HOME_LOCKED when another process has the home.
   * @throws {ConfigBindingError} ERR_CONFIG_BINDING
   * @throws {KeyUsedTwiceError} ERR_KEY_USED_TWICE
   * @throws {InsecureGrpcAddressError} ERR_GRPC_INSECURE_ADDRESS
   * @throws {NoValidatorInServiceError} ERR_NO_VALIDATOR_IN_SERVICE after 30 s, or at once when waiting heals nothing.
   * @throws what {@link SqliteSignStateStore.open} and {@link readIdentity} throw.
   */
  static async start(
    deps: SignerDeps,
    options: SignerOptions,
    { signal }: AbortOptions = {},
  ): Promise<Signer> {
    const { clock, random, logger } = deps;
    const { home, identityFile, lockWaitMs = LOCK_WAIT_MS } = options;
    for (const { grpc } of options.validators) if (grpc !== undefined) checkGrpcListen(grpc);
    await using resources = new AsyncDisposableStack();

    const lock = { clock, waitMs: lockWaitMs, command: 'signer serve', signal };
    resources.use(await acquireHomeLock(homePaths(home).lock, lock));
    const stored = new ValidatorControls();
    const floorHeight = (validator: string): bigint => store.floor(validator).height;
    const validators: SignerValidator[] = [];
    const validatorOf = (name: string): SignerValidator | undefined =>
      validators.find((validator) => validator.name === name);
    const rotations = new SignerRotations(
      {
        floorHeight,
        isFrozen: (validator) => stored.of(validator).freeze !== undefined,
        keysOf: validatorOf,
        devices: deps.devices,
        clock,
        logger,
      },
      { home },
    );
    const journal = new AuditJournal({ clock, logger });
    const store: SqliteSignStateStore = resources.use(
      SqliteSignStateStore.open(
        {
          logger,
          clock,
          journal,
          controlOf: (validator) => stored.of(validator),
          keyAt: (validator, height) => keyAt(rotations.store.scheduleOf(validator), height),
          tipOf: deps.tipOf,
        },
        { directory: home },
      ),
    );
    // Closed after all who sign, and before the store: what waits is then written.
    const audit = resources.use(
      HomeAuditLog.start({ store, journal, clock, logger }, { home, ...options.audit }),
    );
    stored.load(store);
    rotations.store.load(store);
    resources.use(rotations);
    const records = boundRecords({ store, rotations: rotations.store, logger }, options.validators);

    const identity = resources.use(readIdentity(identityFile));
    const yubiHsmKeys = options.validators
      .flatMap(({ providers, rotatedKeys = [] }) => [
        ...providers,
        ...rotatedKeys.flatMap((place) => place.providers),
      ])
      .filter((place) => place.kind === 'yubihsm');
    const served = { home, keys: yubiHsmKeys };
    const door = resources.use(new ProviderDoor({ clock, logger, served }));
    const keys = resources.use(new AsyncDisposableStack());
    const keyFailed = ({ validator, publicKey, error }: KeyFault): void =>
      validatorOf(validator)?.keyFailed(publicKey, error);
    const verifier = resources.use(new SideVerifier({ logger }));
    const intoAudit = auditObserver(audit);
    const observer: DecisionObserver = (outcome) => {
      intoAudit(outcome);
      rotations.driver.decided(outcome);
      deps.observer?.(outcome);
    };
    const gate = resources.use(new Gate({ store, clock, logger, onKeyFault: keyFailed, verifier }));
    resources.defer(async () => {
      await Promise.all(validators.map((validator) => validator[Symbol.asyncDispose]()));
    });

    const dial: DialNode =
      deps.dial ?? ((address, options) => dialNode({ clock, identity }, address, options));
    const openProvider = deps.openProvider ?? ((place) => door.openProvider(place));
    for (const [validator, record] of records) {
      const { name, chainId } = validator;
      const onConnection = (change: ConnectionChange): void => {
        audit.connection(name, change);
        deps.onConnection?.(name, change);
      };
      const parts = {
        clock,
        random,
        logger,
        dial,
        openProvider,
        keys,
        onConnection,
        schedules: rotations.store,
        places: () =>
          servingKeys(validator, record, {
            schedule: rotations.store.scheduleOf(name),
            keys: rotations.store.keysOf(name),
            floorHeight: floorHeight(name),
          }),
        heightsOf: (node: string) => rotations.nodes.of(name, node),
        connected: () => rotations.nodes.of(name, 'grpc').connected(),
      };
      const privValidator = (keyring: Keyring, asker: string): PrivValidator =>
        new LocalPrivValidator(
          { gate, keyring, logger, clock, onKeyFault: keyFailed, observer },
          { validator: name, chainId, asker },
        );
      validators.push(SignerValidator.start({ ...parts, privValidator }, validator));
    }
    const drained = async (name: string): Promise<void> => {
      await gate.settled(name);
      await Promise.all(
        validators.filter((validator) => validator.name === name).map((one) => one.answered()),
      );
    };
    await untilOneServes(validators, { clock, signal });
    return new Signer({
      validators,
      store,
      audit,
      rotations,
      controls: new StoredControlDesk({
        controls: stored,
        store,
        clock,
        logger,
        freezable: { drained },
      }),
      startedAtMs: clock.now(),
      resources: resources.move(),
    });
  }

  /** What is known now. */
  status(): SignerStatus {
    return {
      startedAtMs: this.#startedAtMs,
      validators: this.#validators.map((validator) =>
        validator.status(this.#store.floor(validator.name)),
      ),
    };
  }

  /** Where the floors live, and the tables beside them. The signer owns it. */
  get store(): SqliteSignStateStore {
    return this.#store;
  }

  /** What was decided and done. */
  get audit(): AuditLog {
    return this.#audit;
  }

  /** Freezes, ceilings and hand-overs. */
  get controls(): StoredControlDesk {
    return this.#controls;
  }

  /** Rotations, and which key signs when. */
  get rotations(): SqliteRotationStore {
    return this.#rotations.store;
  }

  /** What operators do with rotations. The places of keys are those of the home's `signer.toml`. */
  get rotationDesk(): RotationDesk {
    return this.#rotations.desk;
  }

  /** What is known of one validator now. @throws {UnknownValidatorError} ERR_UNKNOWN_VALIDATOR */
  statusOf(name: string): ValidatorStatus {
    return this.#validator(name).status(this.#store.floor(name));
  }

  /** Its chain tells a validator's rotations from here on; in the turn in which the view was started. */
  follow(validator: string, view: ChainView): void {
    this.#rotations.follow(validator, view);
  }

  /** A block is committed on a configured node: to be told in the turn in which it is heard of (S41). */
  blockCommitted(validator: string, node: string, height: bigint): void {
    this.#rotations.nodes.of(validator, node).blockCommitted(height);
  }

  /** What is served, as configured now. */
  get validators(): readonly ValidatorOptions[] {
    return this.#validators.map(({ options }) => options);
  }

  /**
   * Other nodes for a validator. Healthy connections stay; those of nodes that are gone end after
   * their last answer.
   *
   * @throws {UnknownValidatorError} ERR_UNKNOWN_VALIDATOR
   */
  async setNodes(
    name: string,
    nodes: Pick<ValidatorOptions, 'nodes' | 'rpcs' | 'witnesses'>,
  ): Promise<void> {
    await this.#validator(name).setNodes(nodes);
  }

  #validator(name: string): SignerValidator {
    const validator = this.#validators.find((one) => one.name === name);
    if (validator === undefined) throw new UnknownValidatorError(name);
    return validator;
  }

  /** Finishes the answers in flight, then closes connections, keys, store and lock, in this order; under a second. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

interface BindingDeps {
  readonly store: SignStateStore;
  readonly rotations: KeySchedules;
  readonly logger: Logger;
}

/**
 * The record of each configured validator. A validator that is only in the database is not served,
 * which is said; everything else that differs is refused.
 *
 * @throws {ConfigBindingError} ERR_CONFIG_BINDING (S35)
 * @throws {KeyUsedTwiceError} ERR_KEY_USED_TWICE (S1): no key is asked that is not the record's.
 */
function boundRecords(
  { store, rotations, logger }: BindingDeps,
  validators: readonly ValidatorOptions[],
): ReadonlyMap<ValidatorOptions, ValidatorRecord> {
  const records = new Map(store.validators().map((record) => [record.name, record]));
  const bound = new Map<ValidatorOptions, ValidatorRecord>();
  const configured = new Set<string>();
  const claims = new KeyClaims();
  for (const validator of validators) {
    const { name, chainId } = validator;
    const record = records.get(name);
    if (configured.has(name)) throw new ConfigBindingError(name, 'it is configured twice');
    if (record === undefined) {
      throw new ConfigBindingError(
        name,
        'this home has no floor for it: give it one with signer state init --validator NAME --floor-height N',
      );
    }
    if (record.chainId !== chainId) {
      throw new ConfigBindingError(
        name,
        `its floor is for chain ${JSON.stringify(record.chainId)}, the configuration says ${JSON.stringify(chainId)}`,
      );
    }
    configured.add(name);
    for (const publicKey of rotations.knownKeysOf(name)) {
      claims.claim({ validator: name, chainId, publicKey: ed25519PublicKey(publicKey) });
    }
    for (const { publicKey } of unknownPlaces(
      validator.rotatedKeys ?? [],
      rotations.knownKeysOf(name),
    )) {
      logger.warn(
        { validator: name, publicKey: base64FromBytes(publicKey) },
        'signer.toml has the place of a key that floor.db does not know: nothing uses it',
      );
    }
    bound.set(validator, record);
  }
  for (const name of records.keys()) {
    if (!configured.has(name)) {
      logger.warn({ validator: name }, 'not in the configuration: this validator is not served');
    }
  }
  return bound;
}

/**
 * Waits until a validator is in service: for 30 s, and no longer than that can help (S26).
 *
 * @throws {NoValidatorInServiceError} ERR_NO_VALIDATOR_IN_SERVICE
 */
async function untilOneServes(
  validators: readonly SignerValidator[],
  { clock, signal }: AbortOptions & { readonly clock: Clock },
): Promise<void> {
  using limit = clock.deadline(IN_SERVICE_WAIT_MS);
  const one = Promise.race(validators.map(({ inService }) => inService)).then(() => true);
  const none = Promise.all(validators.map(({ isHopeless }) => isHopeless)).then(() => false);
  const tried = Promise.all(validators.map((validator) => validator.tried));
  const waiting = { signal: anySignal(limit.signal, signal) };
  try {
    await abortable(tried, waiting);
    if (await abortable(Promise.race([one, none]), waiting)) return;
  } catch (cause) {
    if (cause !== limit.signal.reason) throw cause;
    throw new NoValidatorInServiceError(faultsOf(validators), {
      waitedMs: IN_SERVICE_WAIT_MS,
      cause,
    });
  }
  throw new NoValidatorInServiceError(faultsOf(validators));
}

function faultsOf(validators: readonly SignerValidator[]): ReadonlyMap<string, ValidatorFault> {
  const faults = new Map<string, ValidatorFault>();
  for (const { name, fault } of validators) if (fault !== undefined) faults.set(name, fault);
  return faults;
}
