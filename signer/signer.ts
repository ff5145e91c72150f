/** The signer's composition root: what is opened, in which order, and closed in the reverse one. */
import { join } from 'node:path';
import { openKeyFile, readKeyFile } from '@privval/hsm/file/open-key-file';
import type { SigningKey } from '@privval/hsm/signing-key';
import { equalBytes, hexFromBytes } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError, errorCode, InvariantError } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import type { RandomSource } from '@privval/proto/runtime/random';
import type { ChainId } from '@privval/proto/types/chain-id';
import { type DialNode, dialNode } from './connection/dial-node.ts';
import type { GrpcStatus } from './connection/grpc-link.ts';
import { checkGrpcListen, type GrpcListenOptions } from './connection/grpc-options.ts';
import type { NodeAddress } from './connection/node-address.ts';
import type { LinkStatus } from './connection/node-link.ts';
import { Gate } from './guard/gate.ts';
import { acquireHomeLock } from './guard/home-lock.ts';
import type { Floor, SignStateStore, ValidatorRecord } from './guard/sign-state-store.ts';
import { SqliteSignStateStore } from './guard/sqlite-sign-state-store.ts';
import { KeyClaims, KeyUsedTwiceError } from './keyring/key-claims.ts';
import { Keyring } from './keyring/keyring.ts';
import { LocalPrivValidator } from './priv-validator/local-priv-validator.ts';
import { ServedValidator } from './served-validator.ts';

/** How long a start waits for another process to leave the home (S15). */
const LOCK_WAIT_MS = 5_000;

/** Collaborators of a {@link Signer}. */
export interface SignerDeps {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly logger: Logger;
  /** How nodes are dialled. @default {@link dialNode} with the home's identity */
  readonly dial?: DialNode | undefined;
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
  /** Key file of the signer's own identity, which nodes see and may pin. */
  readonly identityFile: string;
  readonly validators: readonly ValidatorOptions[];
  /** @default 5000 */
  readonly lockWaitMs?: number | undefined;
}

/** What is known of a validator now. */
export interface ValidatorStatus {
  readonly name: string;
  readonly chainId: ChainId;
  /** As the database binds it (S35). 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Why it is not served; `undefined` while it is. */
  readonly fault: ValidatorFault | undefined;
  readonly floor: Floor;
  readonly nodes: readonly LinkStatus[];
  readonly grpc: GrpcStatus | undefined;
}

/** Why a validator is out of service. */
export interface ValidatorFault {
  readonly code: string;
  readonly text: string;
}

/** What is known of the signer now. */
export interface SignerStatus {
  /** Wall-clock milliseconds since 1970. */
  readonly startedAtMs: number;
  readonly validators: readonly ValidatorStatus[];
}

/** The configuration contradicts what the database binds (S35): nothing was served. */
export class ConfigBindingError extends CodedError {
  override readonly name = 'ConfigBindingError';
  readonly code = 'ERR_CONFIG_BINDING';
  readonly validator: string;

  constructor(validator: string, reason: string) {
    super(`validator ${JSON.stringify(validator)}: ${reason}`);
    this.validator = validator;
  }
}

/** A key is not the one its validator's floor belongs to. Only that validator is out of service (S26). */
export class AnotherKeyError extends CodedError {
  override readonly name = 'AnotherKeyError';
  readonly code = 'ERR_ANOTHER_KEY';

  constructor(source: string, expected: Uint8Array, actual: Uint8Array) {
    super(
      `${source} holds public key ${hexFromBytes(actual)}, but the floor belongs to ${hexFromBytes(expected)}: a key is not replaced by replacing its file`,
    );
  }
}

/** No validator can be served, for reasons that waiting does not heal (S26). */
export class NoValidatorInServiceError extends CodedError {
  override readonly name = 'NoValidatorInServiceError';
  readonly code = 'ERR_NO_VALIDATOR_IN_SERVICE';

  constructor(faults: ReadonlyMap<string, ValidatorFault>) {
    const list = [...faults].map(([name, { code, text }]) => `${name}: ${text} [${code}]`);
    super(`no validator can be served: ${list.join('; ') || 'the configuration has none'}`);
  }
}

/** What serves a validator, or why nothing does. */
type Service = ServedValidator | ValidatorFault;

/** What the parts of a starting signer share. */
interface Parts {
  readonly deps: SignerDeps;
  readonly gate: Gate;
  readonly dial: DialNode;
  /** Closes the keys, after the gate. */
  readonly keys: AsyncDisposableStack;
  /** Closes connections, before anything else. */
  readonly serving: ServedValidator[];
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
   * @throws what {@link SqliteSignStateStore.open} and {@link readKeyFile} (of the identity) throw.
   */
  static async start(deps: SignerDeps, options: SignerOptions): Promise<Signer> {
    const { clock, logger } = deps;
    const { home, identityFile, validators, lockWaitMs = LOCK_WAIT_MS } = options;
    for (const { grpc } of validators) if (grpc !== undefined) checkGrpcListen(grpc);
    await using resources = new AsyncDisposableStack();

    const lock = { clock, waitMs: lockWaitMs, command: 'signer serve' };
    resources.use(await acquireHomeLock(join(home, 'home.lock'), lock));
    const store = resources.use(SqliteSignStateStore.open({ logger, clock }, { directory: home }));
    const records = boundRecords(store, validators, logger);

    const { secret: identity } = await readKeyFile(identityFile);
    resources.use(identity);
    const keys = resources.use(new AsyncDisposableStack());
    const gate = resources.use(new Gate({ store, clock, logger }));
    const serving: ServedValidator[] = [];
    resources.defer(async () => {
      await Promise.all(serving.map((validator) => validator[Symbol.asyncDispose]()));
    });

    const dial: DialNode = (address, dialOptions) =>
      dialNode({ clock, identity }, address, dialOptions);
    const claims = new KeyClaims();
    const parts = { deps, gate, dial: deps.dial ?? dial, keys, serving, claims };
    const services = new Map(
      await Promise.all(
        validators.map(async (validator) => {
          const record = records.get(validator.name);
          if (record === undefined) throw new InvariantError('a validator without its record');
          return [validator.name, await serve(parts, validator, record)] as const;
        }),
      ),
    );
    if (serving.length === 0) throw new NoValidatorInServiceError(faultsOf(services));
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
        'this home has no floor for it: add it with signer validators add',
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

/** Opens one validator's key and starts its connections, or says why not. */
async function serve(
  parts: Parts,
  options: ValidatorOptions,
  record: ValidatorRecord,
): Promise<Service> {
  const { clock, random, logger } = parts.deps;
  const { name, chainId } = options;
  try {
    const key = parts.keys.use(await openCheckedKey(options, record));
    parts.claims.claim({ validator: name, chainId, publicKey: key.publicKey });
    const keyring = new Keyring(key);
    const privValidator = new LocalPrivValidator(
      { gate: parts.gate, keyring, logger, clock },
      { validator: name, chainId },
    );
    const validator = ServedValidator.start(
      { privValidator, dial: parts.dial, clock, random, logger },
      options,
    );
    parts.serving.push(validator);
    return validator;
  } catch (error) {
    if (!(error instanceof CodedError) || error instanceof KeyUsedTwiceError) throw error;
    if (error instanceof InvariantError) throw error;
    const fault = { code: errorCode(error), text: error.message };
    logger.error(
      { validator: name, chainId, code: fault.code, reason: fault.text },
      'this validator is out of service',
    );
    return fault;
  }
}

/** @throws {AnotherKeyError} ERR_ANOTHER_KEY, and what {@link openKeyFile} throws. */
async function openCheckedKey(
  { keyFile, passphraseFile }: ValidatorOptions,
  record: ValidatorRecord,
): Promise<SigningKey> {
  const key = await openKeyFile(keyFile, { passphraseFile });
  if (equalBytes(key.publicKey.bytes, record.publicKey)) return key;
  await key[Symbol.asyncDispose]();
  throw new AnotherKeyError(keyFile, record.publicKey, key.publicKey.bytes);
}

function faultsOf(services: ReadonlyMap<string, Service>): ReadonlyMap<string, ValidatorFault> {
  return new Map(
    [...services].filter(
      (entry): entry is [string, ValidatorFault] => !(entry[1] instanceof ServedValidator),
    ),
  );
}
