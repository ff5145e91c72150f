/** Everything about rotations in a running signer, put together. */
import type { SigningKey } from '@privval/hsm/signing-key';
import type { Clock } from '@privval/proto/runtime/clock';
import type { Logger } from '@privval/proto/runtime/logger';
import type { ChainView } from '../chain/chain-view.ts';
import { readConfig } from '../config/config.ts';
import { UnknownValidatorError } from '../guard/sign-state-errors.ts';
import type { DeviceDeps } from '../keyring/devices.ts';
import type { KeyPlace } from '../keyring/key-place.ts';
import { ChainFacts } from './chain-facts.ts';
import { RotationDriver } from './rotation-driver.ts';
import { SqliteRotationStore } from './sqlite-rotation-store.ts';
import { type RotatedValidator, StoredRotationDesk } from './stored-rotation-desk.ts';
import { TrackedNodes } from './tracked-nodes.ts';

/** The keys of a validator that is served. */
export interface ServedKeys {
  openKey(place: KeyPlace): Promise<unknown>;
  closeKey(publicKey: Uint8Array): Promise<void>;
  key(publicKey: Uint8Array): SigningKey | undefined;
  isInService(publicKey: Uint8Array): boolean;
}

/** Collaborators of {@link SignerRotations}. */
export interface SignerRotationsDeps {
  readonly floorHeight: (validator: string) => bigint;
  readonly isFrozen: (validator: string) => boolean;
  readonly keysOf: (validator: string) => ServedKeys | undefined;
  readonly devices?: DeviceDeps['devices'] | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The rows, what is proven of nodes, the steps, the desk. `store.load` comes first. Its loops, one for
 * each chain that is followed, end with its dispose, which comes before that of the floor's store.
 */
export class SignerRotations implements AsyncDisposable {
  readonly store: SqliteRotationStore;
  readonly nodes: TrackedNodes;
  readonly driver: RotationDriver;
  readonly desk: StoredRotationDesk;
  readonly #deps: SignerRotationsDeps;
  readonly #home: string;
  readonly #followed = new AsyncDisposableStack();

  constructor(deps: SignerRotationsDeps, { home }: { readonly home: string }) {
    const { floorHeight, isFrozen, keysOf, devices, clock, logger } = deps;
    this.#deps = deps;
    this.#home = home;
    const rotations = new SqliteRotationStore({ floorHeight, now: () => clock.now() });
    this.store = rotations;
    this.nodes = new TrackedNodes({ rotations, floorHeight, clock });
    this.driver = new RotationDriver({
      rotations,
      floorHeight,
      clock,
      logger,
      isInService: (validator, key) => keysOf(validator)?.isInService(key) === true,
    });
    const { driver } = this;
    const validatorOf = (validator: string): RotatedValidator => this.#validatorOf(validator);
    this.desk = new StoredRotationDesk(
      { rotations, driver, floorHeight, isFrozen, validatorOf, devices, clock, logger },
      { home },
    );
  }

  /** A chain tells of a validator from here on: in the turn in which its view was started. */
  follow(validator: string, view: ChainView): void {
    const { store: rotations, driver } = this;
    driver.setChain(validator, view);
    const { logger } = this.#deps;
    this.#followed.use(ChainFacts.start({ driver, rotations, view, logger }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#followed.disposeAsync();
  }

  /** The places of keys are those of the home's `signer.toml` as it is now. */
  #validatorOf(name: string): RotatedValidator {
    const keys = this.#deps.keysOf(name);
    if (keys === undefined) throw new UnknownValidatorError(name);
    const read = (): ReturnType<typeof readConfig>['validators'][number] => {
      const { validators } = readConfig(this.#home, { environment: {} });
      const found = validators.find((validator) => validator.name === name);
      if (found === undefined) throw new UnknownValidatorError(name);
      return found;
    };
    return {
      get chainId() {
        return read().chainId;
      },
      get providers() {
        return read().providers;
      },
      get rotatedKeys() {
        return read().rotatedKeys ?? [];
      },
      openKey: (place) => keys.openKey(place),
      closeKey: (key) => keys.closeKey(key),
      key: (publicKey) => keys.key(publicKey),
      isInService: (publicKey) => keys.isInService(publicKey),
    };
  }
}
