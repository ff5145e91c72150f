/** One validator of a running signer: from its key to its connections. */
import {
  type KeyProvider,
  type ProvidedKey,
  type ProviderHealth,
  remedyOf,
} from '@privval/hsm/key-provider';
import { AnotherKeyError } from '@privval/hsm/provided-key-errors';
import type { SigningKey } from '@privval/hsm/signing-key';
import {
  ed25519PublicKey,
  equalPublicKeys,
  type PublicKey,
} from '@privval/proto/crypto/public-key';
import type { PrivValidator } from '@privval/proto/privval/priv-validator';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError, InvariantError } from '@privval/proto/runtime/coded-error';
import { type Logger, withFields } from '@privval/proto/runtime/logger';
import type { RandomSource } from '@privval/proto/runtime/random';
import type { ChainId } from '@privval/proto/types/chain-id';
import type { DialNode } from './connection/dial-node.ts';
import type { GrpcListenOptions } from './connection/grpc-options.ts';
import type { NodeAddress } from './connection/node-address.ts';
import type { ConnectionChange } from './connection/node-link.ts';
import type { Floor } from './guard/sign-state-store.ts';
import { assertPlace, type KeyPlace } from './keyring/key-place.ts';
import type { KeySchedules } from './keyring/key-schedule.ts';
import { Keyring } from './keyring/keyring.ts';
import { OtherKeys } from './keyring/other-keys.ts';
import { graceMs, type ProviderOptions, providerName } from './keyring/provider-options.ts';
import { ServedValidator } from './served-validator.ts';
import type { ConnectionHeights, NodeHeights } from './session/node-heights.ts';
import type { ValidatorFault, ValidatorStatus } from './signer-status.ts';

/** Collaborators of a {@link SignerValidator}. */
export interface SignerValidatorDeps {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly logger: Logger;
  readonly dial: DialNode;
  readonly openProvider: (options: ProviderOptions) => Promise<KeyProvider>;
  /** What signs with the keys, behind the gate, for one asker. */
  readonly privValidator: (keyring: Keyring, asker: string) => PrivValidator;
  readonly onConnection?: ((change: ConnectionChange) => void) | undefined;
  /** Which key signs when; the floor's store decides by the same. */
  readonly schedules: KeySchedules;
  /** The key that signs next and where it is, and the others that are not destroyed. Asked once. */
  readonly places: () => ServingKeys;
  /** What is proven of a node's height (S41), and of a connection of one that dials us. */
  readonly heightsOf?: ((node: string) => NodeHeights) | undefined;
  readonly connected?: (() => ConnectionHeights) | undefined;
  /** Owns the keys, and is disposed after the gate. */
  readonly keys: AsyncDisposableStack;
}

/** A validator's keys as it goes into service. */
export interface ServingKeys {
  /** The key of the height after the floor: with it the validator is in service. */
  readonly current: KeyPlace;
  readonly others: readonly KeyPlace[];
}

/** One validator, as the configuration has it. */
export interface ValidatorOptions {
  readonly name: string;
  readonly chainId: ChainId;
  /** Where its key is: the place that is asked, then its standby, if there is one (S28). */
  readonly providers: readonly ProviderOptions[];
  /** Where the keys are that came after the first one. @default none came */
  readonly rotatedKeys?: readonly KeyPlace[] | undefined;
  readonly nodes: readonly NodeAddress[];
  /** RPC of each node, by place; `undefined` for one without. @default none has one */
  readonly rpcs?: readonly (string | undefined)[] | undefined;
  /** RPCs of other nodes, which speak for the chain only (S46). @default none */
  readonly witnesses?: readonly string[] | undefined;
  readonly grpc?: GrpcListenOptions | undefined;
}

/**
 * A validator as a signer has it, in service or not.
 *
 * It dials its nodes once its key is open, and not before: a node that waits for a signer should not
 * be kept by one that cannot sign. From then on its connections stay, whatever becomes of the key:
 * a request that finds no provider in service is answered with an error, within the node's patience.
 *
 * A key file that opens is served as it is. Everything else is looked after by a `ProvidedKey`,
 * which opens it again as long as that can help (S26); that code is loaded only then.
 *
 * It runs one loop, `#run`, which ends when the connections are up, or never will be.
 */
export class SignerValidator implements AsyncDisposable {
  readonly name: string;
  /** Resolves once its key file was read, or could not be; at once when its key is in a device. */
  readonly tried: Promise<void>;
  /** Resolves when it is in service for the first time. */
  readonly inService: Promise<void>;
  /** Resolves when it is seen that waiting brings it into service no more. A repair still may. */
  readonly isHopeless: Promise<void>;
  readonly #deps: SignerValidatorDeps;
  #options: ValidatorOptions;
  readonly #serving: ServingKeys;
  /** Of the key it went into service with. */
  readonly #publicKey: PublicKey;
  readonly #keyring: Keyring;
  readonly #others: OtherKeys;
  readonly #shutdown = new AbortController();
  readonly #tried = Promise.withResolvers<void>();
  readonly #inService = Promise.withResolvers<void>();
  readonly #isHopeless = Promise.withResolvers<void>();
  readonly #ended: Promise<void>;
  #sinceMs: number;
  #key: ProvidedKey | undefined;
  #served: ServedValidator | undefined;
  #endOfServed: Promise<void> | undefined;
  /** Why it is out of service, until a {@link ProvidedKey} knows better. */
  #fault: ValidatorFault | undefined;

  private constructor(deps: SignerValidatorDeps, options: ValidatorOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#serving = deps.places();
    this.#publicKey = ed25519PublicKey(this.#serving.current.publicKey);
    const { clock, openProvider, keys, schedules } = deps;
    this.#keyring = new Keyring(undefined, { validator: options.name, schedules });
    const logger = withFields(deps.logger, { validator: options.name });
    this.#others = new OtherKeys({ clock, logger, openProvider, keyring: this.#keyring, keys });
    this.#sinceMs = deps.clock.now();
    this.name = options.name;
    this.tried = this.#tried.promise;
    this.inService = this.#inService.promise;
    this.isHopeless = this.#isHopeless.promise;
    // It rejects with a bug only, which nobody catches: it ends the process.
    this.#ended = this.#run();
  }

  /** Begins to open the key. */
  static start(deps: SignerValidatorDeps, options: ValidatorOptions): SignerValidator {
    return new SignerValidator(deps, options);
  }

  /** What is known now. */
  status(floor: Floor): ValidatorStatus {
    const { name, chainId } = this.#options;
    return {
      name,
      chainId,
      publicKey: this.#keyring.publicKeyFor(floor.height + 1n).bytes,
      fault: this.fault,
      providers: this.#health(),
      floor,
      nodes: this.#served?.nodes() ?? [],
      grpc: this.#served?.grpc(),
    };
  }

  /** Why it is out of service; `undefined` while it is not. */
  get fault(): ValidatorFault | undefined {
    const key = this.#watchedKey;
    if (key === undefined) {
      return this.#served === undefined ? (this.#fault ?? BEING_OPENED) : undefined;
    }
    const providers = key.health();
    if (providers.some(({ state }) => state !== 'out-of-service')) return undefined;
    const told = providers.find(({ fault }) => fault !== undefined)?.fault;
    return told ?? this.#fault ?? BEING_OPENED;
  }

  /**
   * Told of a signature by this validator's key that did not verify (S20). A key that is only in this
   * process's memory is not trusted again; what looks after the others knows what to do (S29).
   */
  keyFailed(publicKey: PublicKey, error: CodedError): void {
    const key = this.#others.get(publicKey.bytes) ?? this.#key;
    if (key !== undefined) {
      key.reportInvalidSignature();
      return;
    }
    this.#outOfService(error);
    this.#endOfServed = this.#served?.[Symbol.asyncDispose]();
    this.#served = undefined;
  }

  /** The configuration it has now. */
  get options(): ValidatorOptions {
    return this.#options;
  }

  /** Other nodes from here on; nothing else of `options` is looked at. Healthy connections stay. */
  async setNodes(options: Pick<ValidatorOptions, 'nodes' | 'rpcs' | 'witnesses'>): Promise<void> {
    const { nodes, rpcs, witnesses } = options;
    this.#options = { ...this.#options, nodes, rpcs, witnesses };
    await this.#served?.setNodes(nodes);
  }

  /** Resolves when no answer is being made or written on any connection (S34). */
  async answered(): Promise<void> {
    await this.#served?.answered();
  }

  /** Opens one key more: from here on it is there when its height comes. */
  openKey(place: KeyPlace): Promise<ProvidedKey> {
    return this.#others.open(place);
  }

  /**
   * Takes a key that signs no height any more off the ring and closes it. The one that the validator
   * went into service with stays open until the signer stops.
   */
  async closeKey(publicKey: Uint8Array): Promise<void> {
    const key = this.#keyring.byPublicKey(publicKey);
    if (key !== undefined) this.#keyring.remove(key);
    await this.#others.close(publicKey);
  }

  /** An open key: to prove that somebody has it (S47), and for nothing else from outside. */
  key(publicKey: Uint8Array): SigningKey | undefined {
    return this.#keyring.byPublicKey(publicKey);
  }

  /** Whether this key could sign now. */
  isInService(publicKey: Uint8Array): boolean {
    const other = this.#others.get(publicKey);
    if (other === undefined) return this.#keyring.byPublicKey(publicKey) !== undefined;
    return other.health().some(({ state }) => state !== 'out-of-service');
  }

  /** Ends the connections, after the answers in flight. The key stays open, for the gate still has it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort();
    await Promise.allSettled([this.#ended]);
    await Promise.all([this.#endOfServed, this.#served?.[Symbol.asyncDispose]()]);
  }

  /** What looks after the key that signs next; `undefined` for one that is only in this process's memory. */
  get #watchedKey(): ProvidedKey | undefined {
    return this.#others.get(this.#keyring.publicKeyFor().bytes) ?? this.#key;
  }

  async #run(): Promise<void> {
    try {
      this.#openOthers();
      await this.#open();
    } catch (error) {
      if (!(error instanceof CodedError) || error instanceof InvariantError) throw error;
      this.#outOfService(error);
      this.#isHopeless.resolve();
    } finally {
      this.#tried.resolve();
    }
  }

  /** A fault of one of them is its own: it is told, and opened again when it is needed. */
  #openOthers(): void {
    for (const place of this.#serving.others) {
      this.#others.open(place).catch((error: unknown) => {
        if (!(error instanceof CodedError) || error instanceof InvariantError) throw error;
        this.#deps.logger.error(
          { validator: this.name, code: error.code, reason: error.message },
          'a key beside the serving one cannot be opened',
        );
      });
    }
  }

  async #open(): Promise<void> {
    assertPlace(this.#serving.current);
    const [first, ...others] = this.#serving.current.providers;
    if (first?.kind === 'file' && others.length === 0) {
      const key = await this.#tryOnce(first);
      if (key !== undefined) return this.#serve(key);
      this.#isHopeless.resolve();
    }
    this.#tried.resolve();
    const key = await this.#provided();
    if (key !== undefined) await this.#untilInService(key);
  }

  /** A key in a file, as it is. `undefined` for a fault that may be repaired. */
  async #tryOnce(options: ProviderOptions): Promise<SigningKey | undefined> {
    const { openProvider, keys } = this.#deps;
    try {
      const provider = keys.use(await openProvider(options));
      const key = keys.use(await provider.openKey({ signal: this.#shutdown.signal }));
      if (equalPublicKeys(key.publicKey, this.#publicKey)) return key;
      throw new AnotherKeyError(provider.name, this.#publicKey, key.publicKey);
    } catch (error) {
      const isFault = error instanceof CodedError && !(error instanceof InvariantError);
      if (!isFault || remedyOf(error) === 'restart') throw error;
      this.#outOfService(error);
      return undefined;
    }
  }

  /** `undefined` when the signer was stopped meanwhile. */
  async #provided(): Promise<ProvidedKey | undefined> {
    const { clock, logger, openProvider, keys } = this.#deps;
    const { name: validator } = this.#options;
    const { providers } = this.#serving.current;
    const { openProvidedKey } = await import('@privval/hsm/open-provided-key');
    if (this.#shutdown.signal.aborted) return undefined;
    await using opened = new AsyncDisposableStack();
    const all: KeyProvider[] = [];
    for (const options of providers) all.push(opened.use(await openProvider(options)));
    const key = openProvidedKey(
      { clock, logger: withFields(logger, { validator }) },
      { providers: all, expected: this.#publicKey, graceMs: graceMs(providers) },
    );
    // The key owns its providers.
    opened.move();
    this.#key = keys.use(key);
    return key;
  }

  async #untilInService(key: ProvidedKey): Promise<void> {
    const { signal } = this.#shutdown;
    try {
      await key.waitUntilInService({ until: 'repair', signal });
    } catch (error) {
      if (error instanceof InvariantError) throw error;
      this.#isHopeless.resolve();
    }
    try {
      await key.waitUntilInService({ until: 'restart', signal });
    } catch (error) {
      // The key tells of its fault itself.
      if (error instanceof InvariantError) throw error;
      return;
    }
    if (this.#fault !== undefined) {
      this.#deps.logger.info({ validator: this.name }, 'this validator is in service');
    }
    this.#serve(key);
  }

  #serve(key: SigningKey): void {
    if (this.#shutdown.signal.aborted) return;
    const { dial, clock, random, logger, privValidator, ...told } = this.#deps;
    const { onConnection, heightsOf, connected } = told;
    this.#sinceMs = clock.now();
    this.#keyring.add(key);
    const privValidatorFor = (asker: string): PrivValidator => privValidator(this.#keyring, asker);
    this.#served = ServedValidator.start(
      { privValidatorFor, heightsOf, connected, onConnection, dial, clock, random, logger },
      this.#options,
    );
    this.#inService.resolve();
  }

  #outOfService(error: CodedError): void {
    this.#sinceMs = this.#deps.clock.now();
    this.#fault = { code: error.code, text: error.message, remedy: remedyOf(error) };
    this.#deps.logger.error(
      { validator: this.name, code: error.code, reason: error.message },
      'this validator is out of service',
    );
  }

  #health(): readonly ProviderHealth[] {
    const key = this.#watchedKey;
    if (key !== undefined) return key.health();
    const isServed = this.#served !== undefined;
    return this.#serving.current.providers.map((options) => ({
      name: providerName(options),
      state: isServed ? 'in-service' : 'out-of-service',
      isActive: isServed,
      fault: this.#fault,
      sinceMs: this.#sinceMs,
    }));
  }
}

/** Before the first attempt has ended. */
const BEING_OPENED: ValidatorFault = {
  code: 'ERR_KEY_OUT_OF_SERVICE',
  text: 'its key is being opened',
  remedy: 'wait',
};
