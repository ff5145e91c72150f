/** The signer's composition root: what is opened, in which order, and closed in the reverse one. */
import { openKeyFile } from '@privval/hsm/file/open-key-file';
import type { SigningKey } from '@privval/hsm/signing-key';
import { equalBytes } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError, InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import type { RandomSource } from '@privval/proto/runtime/random';
import type { ChainId } from '@privval/proto/types/chain-id';
import { type DialNode, dialNode } from './connection/dial-node.ts';
import { checkGrpcListen, type GrpcListenOptions } from './connection/grpc-options.ts';
import type { NodeAddress } from './connection/node-address.ts';
import { Gate } from './guard/gate.ts';
import { acquireHomeLock } from './guard/home-lock.ts';
import { SideVerifier } from './guard/side-verifier.ts';
import type { SignStateStore, ValidatorRecord } from './guard/sign-state-store.ts';
import type { KeyFault } from './guard/signing-flights.ts';
import { SqliteSignStateStore } from './guard/sqlite-sign-state-store.ts';
import { homePaths } from './home/home-paths.ts';
import { readIdentity } from './home/identity.ts';
import { KeyClaims, KeyUsedTwiceError } from './keyring/key-claims.ts';
import { Keyring } from './keyring/keyring.ts';
import { LocalPrivValidator } from './priv-validator/local-priv-validator.ts';
import { ServedValidator } from './served-validator.ts';
import { AnotherKeyError, ConfigBindingError, NoValidatorInServiceError } from './signer-errors.ts';
import type { SignerStatus, ValidatorFault } from './signer-status.ts';

/** How long a start waits for another process to leave the home (S15). */
const LOCK_WAIT_MS = 5_000;

/** Collaborators of a {@link Signer}. */
export interface SignerDeps {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly logger: Logger;
  /** How nodes are dialled. @default {@link dialNode} with the home's identity */
  readonly dial?: DialNode | undefined;
  /** How a validator's key is opened; the signer owns what it gives. @default {@link openKeyFile} */
  readonly openKey?: ((validator: ValidatorOptions) => Promise<SigningKey>) | undefined;
}

/** One validator, as the configuration has it. */
export interface ValidatorOptions {
  readonly name: string;
  readonly chainId: ChainId;
  /** FilePV JSON or our encrypted format. */
  readonly keyFile: string;
  readonly passphraseFile?: string | undefined;
  readonly nodes: readonly NodeAddress[];
  readonly grpc?: GrpcListenOptions | undefined;
}

/** What a {@link Signer} serves, and from where. */
export interface SignerOptions {
  /** The home: the folder of the floor and the lock. */
  readonly home: string;
  /** The signer's own identity, which nodes see and may pin. */
  readonly identityFile: string;
  readonly validators: readonly ValidatorOptions[];
  /** @default 5000 */
  readonly lockWaitMs?: number | undefined;
}

/** What serves a validator, or why nothing does. */
type Service = ServedValidator | ValidatorFault;

/** What the parts of a starting signer share. */
interface Parts {
  readonly deps: SignerDeps;
  readonly gate: Gate;
  /** Takes a validator out of service. */
  readonly onKeyFault: (fault: KeyFault) => void;
  readonly dial: DialNode;
  /** Closes the keys, after the gate. */
  readonly keys: AsyncDisposableStack;
  /** Every validator that was ever served: their connections are closed before anything else. */
  readonly served: ServedValidator[];
  /** By validator, what stands now. */
  readonly services: Map<string, Service>;
  readonly claims: KeyClaims;
}

/**
 * A running signer: one home, any number of validators, chains and nodes.
 *
 * They share the store, whose failure stops all signing (S9), and nothing else: a fault of a key,
 * node or network stays with its validator or connection. Each validator dials as soon as its key
 * is checked, since a node that starts waits 3 s for its signer.
 */
export class Signer implements AsyncDisposable {
  readonly #options: SignerOptions;
  readonly #store: SignStateStore;
  readonly #services: ReadonlyMap<string, Service>;
  readonly #startedAtMs: number;
  readonly #resources: AsyncDisposableStack;

  private constructor(
    options: SignerOptions,
    running: {
      readonly store: SignStateStore;
      readonly services: ReadonlyMap<string, Service>;
      readonly startedAtMs: number;
      readonly resources: AsyncDisposableStack;
    },
  ) {
    this.#options = options;
    this.#store = running.store;
    this.#services = running.services;
    this.#startedAtMs = running.startedAtMs;
    this.#resources = running.resources;
  }

  /**
   * Opens the home and serves every validator whose key can be used.
   *
   * @throws {HomeLockedError} ERR_HOME_LOCKED when another process has the home.
   * @throws {ConfigBindingError} ERR_CONFIG_BINDING
   * @throws {KeyUsedTwiceError} ERR_KEY_USED_TWICE
   * @throws {InsecureGrpcAddressError} ERR_GRPC_INSECURE_ADDRESS
   * @throws {NoValidatorInServiceError} ERR_NO_VALIDATOR_IN_SERVICE, at once.
   * @throws what {@link SqliteSignStateStore.open} and {@link readIdentity} throw.
   */
  static async start(deps: SignerDeps, options: SignerOptions): Promise<Signer> {
    const { clock, logger } = deps;
    const { home, identityFile, validators, lockWaitMs = LOCK_WAIT_MS } = options;
    for (const { grpc } of validators) if (grpc !== undefined) checkGrpcListen(grpc);
    await using resources = new AsyncDisposableStack();

    const lock = { clock, waitMs: lockWaitMs, command: 'signer serve' };
    resources.use(await acquireHomeLock(homePaths(home).lock, lock));
    const store = resources.use(SqliteSignStateStore.open({ logger, clock }, { directory: home }));
    const records = boundRecords(store, validators, logger);

    const identity = resources.use(readIdentity(identityFile));
    const keys = resources.use(new AsyncDisposableStack());
    const services = new Map<string, Service>();
    const onKeyFault = ({ validator, error }: KeyFault): void =>
      takeOutOfService(services, { validator, error, logger });
    const verifier = resources.use(new SideVerifier({ logger }));
    const gate = resources.use(new Gate({ store, clock, logger, onKeyFault, verifier }));
    const served: ServedValidator[] = [];
    resources.defer(async () => {
      await Promise.all(served.map((validator) => validator[Symbol.asyncDispose]()));
    });

    const dial: DialNode = (address, dialOptions) =>
      dialNode({ clock, identity }, address, dialOptions);
    const claims = new KeyClaims();
    const parts = {
      deps,
      gate,
      onKeyFault,
      dial: deps.dial ?? dial,
      keys,
      served,
      services,
      claims,
    };
    await allOrFirstError(
      validators.map((validator) => serve(parts, validator, records.get(validator.name))),
    );
    if (served.length === 0) throw new NoValidatorInServiceError(faultsOf(services));
    return new Signer(options, {
      store,
      services,
      startedAtMs: clock.now(),
      resources: resources.move(),
    });
  }

  /** What is known now. */
  status(): SignerStatus {
    const records = new Map(this.#store.validators().map((record) => [record.name, record]));
    return {
      startedAtMs: this.#startedAtMs,
      validators: this.#options.validators.map(({ name, chainId }) => {
        const service = this.#services.get(name);
        const served = service instanceof ServedValidator ? service : undefined;
        return {
          name,
          chainId,
          publicKey: records.get(name)?.publicKey ?? new Uint8Array(0),
          fault: service instanceof ServedValidator ? undefined : service,
          floor: this.#store.floor(name),
          nodes: served?.nodes() ?? [],
          grpc: served?.grpc(),
        };
      }),
    };
  }

  /** Where the floors live, for the admin API. The signer owns it. */
  get store(): SignStateStore {
    return this.#store;
  }

  /** Finishes the answers in flight, then closes connections, keys, store and lock, in this order; under a second. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/**
 * The record of each configured validator. A validator that is only in the database is not served,
 * which is said; everything else that differs is refused.
 *
 * @throws {ConfigBindingError} ERR_CONFIG_BINDING
 */
function boundRecords(
  store: SignStateStore,
  validators: readonly ValidatorOptions[],
  logger: Logger,
): ReadonlyMap<string, ValidatorRecord> {
  const records = new Map(store.validators().map((record) => [record.name, record]));
  const configured = new Set<string>();
  for (const { name, chainId } of validators) {
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
  }
  for (const name of records.keys()) {
    if (!configured.has(name)) {
      logger.warn({ validator: name }, 'not in the configuration: this validator is not served');
    }
  }
  return records;
}

/**
 * Opens one validator's key and starts its connections, or notes why not.
 *
 * @throws {KeyUsedTwiceError} ERR_KEY_USED_TWICE
 */
async function serve(
  parts: Parts,
  options: ValidatorOptions,
  record: ValidatorRecord | undefined,
): Promise<void> {
  const { clock, random, logger } = parts.deps;
  const { name, chainId } = options;
  if (record === undefined) throw new InvariantError('a validator without its record');
  try {
    const key = parts.keys.use(await openCheckedKey(parts.deps, options, record));
    parts.claims.claim({ validator: name, chainId, publicKey: key.publicKey });
    const keyring = new Keyring(key);
    const privValidator = new LocalPrivValidator(
      { gate: parts.gate, keyring, logger, clock, onKeyFault: parts.onKeyFault },
      { validator: name, chainId },
    );
    const validator = ServedValidator.start(
      { privValidator, dial: parts.dial, clock, random, logger },
      options,
    );
    parts.served.push(validator);
    parts.services.set(name, validator);
  } catch (error) {
    const isFault = error instanceof CodedError && !(error instanceof InvariantError);
    if (!isFault || error instanceof KeyUsedTwiceError) throw error;
    takeOutOfService(parts.services, { validator: name, error, logger });
  }
}

/** A validator that cannot be trusted to sign any more, or never could: its connections end, the others go on. */
function takeOutOfService(
  services: Map<string, Service>,
  fault: { readonly validator: string; readonly error: CodedError; readonly logger: Logger },
): void {
  const { validator, error, logger } = fault;
  const service = services.get(validator);
  services.set(validator, { code: error.code, text: error.message });
  const fields = { validator, code: error.code, reason: error.message };
  logger.error(fields, 'this validator is out of service');
  // Never rejects; the signer's own dispose waits for it.
  if (service instanceof ServedValidator) void service[Symbol.asyncDispose]();
}

/** Waits for all, so that nothing is still being opened when the rest is closed again. */
async function allOrFirstError(started: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(started)) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}

/** @throws {AnotherKeyError} ERR_ANOTHER_KEY, and what {@link openKeyFile} throws. */
async function openCheckedKey(
  { openKey = openValidatorKeyFile }: SignerDeps,
  options: ValidatorOptions,
  record: ValidatorRecord,
): Promise<SigningKey> {
  const key = await openKey(options);
  if (equalBytes(key.publicKey.bytes, record.publicKey)) return key;
  await key[Symbol.asyncDispose]();
  throw new AnotherKeyError(options.keyFile, record.publicKey, key.publicKey.bytes);
}

function openValidatorKeyFile(options: ValidatorOptions): Promise<SigningKey> {
  return openKeyFile(options.keyFile, { passphraseFile: options.passphraseFile });
}

function faultsOf(services: ReadonlyMap<string, Service>): ReadonlyMap<string, ValidatorFault> {
  return new Map(
    [...services].filter(
      (entry): entry is [string, ValidatorFault] => !(entry[1] instanceof ServedValidator),
    ),
  );
}
