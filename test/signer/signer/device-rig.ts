/** A signer whose validators' keys are in devices that a test holds in its hand, under a clock it moves. */
import type { KeyProvider } from '@privval/hsm/key-provider';
import type { ProviderOptions } from '@privval/signer/keyring/provider-options';
import { Signer, type SignerOptions } from '@privval/signer/signer';
import type { ValidatorStatus } from '@privval/signer/signer-status';
import { type FakeCondition, FakeProvider } from '../../harness/fake-provider.ts';
import { ManualClock } from '../../harness/manual-clock.ts';
import { PlainHome } from '../../harness/plain-home.ts';
import { RecordingLogger } from '../../harness/recording-logger.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import { ScriptedNode } from '../../harness/scripted-node.ts';
import { SeededRandom } from '../../harness/seeded-random.ts';

/** What a YubiHSM takes for an Ed25519 signature. */
const SIGN_MS = 115;

/** A validator of the rig: the condition of its device, and of its standby if it has one. */
export interface RigValidator {
  readonly name: string;
  readonly devices: readonly FakeCondition[];
}

/** What Signer.start came to. */
export type Started = { readonly signer: Signer } | { readonly error: unknown };

/**
 * Each validator has a node of its own, on a Unix socket, and a chain called as itself. Devices of
 * one validator hold the same key. The clock stands still until the test moves it.
 */
export class DeviceRig implements AsyncDisposable {
  readonly clock: ManualClock = new ManualClock();
  readonly logger: RecordingLogger = new RecordingLogger();
  readonly options: SignerOptions;
  readonly #folder: ScratchFolder;
  readonly #home: PlainHome;
  readonly #nodes: ReadonlyMap<string, ScriptedNode>;
  /** By the id that stands in the configuration. */
  readonly #devices: ReadonlyMap<number, FakeProvider>;
  readonly #abort = new AbortController();
  /** Settled starts of this rig. */
  started: Started | undefined;

  private constructor(parts: {
    readonly folder: ScratchFolder;
    readonly home: PlainHome;
    readonly nodes: ReadonlyMap<string, ScriptedNode>;
    readonly devices: (clock: ManualClock) => ReadonlyMap<number, FakeProvider>;
    readonly options: SignerOptions;
  }) {
    this.#folder = parts.folder;
    this.#home = parts.home;
    this.#nodes = parts.nodes;
    this.#devices = parts.devices(this.clock);
    this.options = parts.options;
  }

  /** The home is made and nothing served. */
  static async create(validators: readonly RigValidator[]): Promise<DeviceRig> {
    const folder = new ScratchFolder();
    const nodes = new Map<string, ScriptedNode>();
    for (const { name } of validators) {
      const path = folder.join(`${name}.sock`);
      nodes.set(name, await ScriptedNode.listen({ chainId: name, transport: 'unix', path }));
    }
    const seedOf = (at: number): Uint8Array => new Uint8Array(32).fill(at + 1);
    const publicKeys = new Map(
      validators.map(({ name }, at) => [
        name,
        new FakeProvider({ clock: new ManualClock() }, { seed: seedOf(at) }).publicKey,
      ]),
    );
    const home = await PlainHome.create(
      validators.map(({ name }) => ({
        name,
        chainId: name,
        nodes: [nodes.get(name)?.address ?? ''],
      })),
      publicKeys,
    );
    const places = validators.map(({ devices }, at) =>
      devices.map((_, index) => placeOf(at * 10 + index + 1)),
    );
    const options: SignerOptions = {
      ...home.options,
      validators: home.options.validators.map((validator, at) => ({
        ...validator,
        providers: places[at] ?? [],
      })),
    };
    const devices = (clock: ManualClock): ReadonlyMap<number, FakeProvider> =>
      new Map(
        validators.flatMap((validator, at) =>
          validator.devices.map((condition, index): [number, FakeProvider] => {
            const name = `fake ${validator.name} ${index}`;
            const device = new FakeProvider({ clock }, { name, seed: seedOf(at), signMs: SIGN_MS });
            device.condition = condition;
            return [at * 10 + index + 1, device];
          }),
        ),
      );
    return new DeviceRig({ folder, home, nodes, devices, options });
  }

  /** Begins to start a signer; {@link started} tells what came of it. */
  start(): void {
    const { clock, logger } = this;
    const deps = { clock, logger, random: new SeededRandom(1), openProvider: this.#openProvider };
    Signer.start(deps, this.options, { signal: this.#abort.signal }).then(
      (signer) => {
        this.started = { signer };
      },
      (error: unknown) => {
        this.started = { error };
      },
    );
  }

  /** Starts one and waits, in no time, until it is up. */
  async serve(): Promise<Signer> {
    this.start();
    await until(() => this.started !== undefined);
    if (this.started !== undefined && 'signer' in this.started) return this.started.signer;
    throw new Error('the signer did not start', { cause: this.started?.error });
  }

  /** As SIGTERM does. */
  stop(): void {
    this.#abort.abort(new Error('stopped by the test'));
  }

  /** Moves time in small steps, so that what a step brings about can go on within it. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 100) {
      await this.clock.advance(Math.min(100, left));
      await settle();
    }
  }

  device(validator: string, index = 0): FakeProvider {
    const at = this.options.validators.findIndex(({ name }) => name === validator);
    const device = this.#devices.get(at * 10 + index + 1);
    if (device === undefined) throw new Error(`no device ${index} of ${validator}`);
    return device;
  }

  node(validator: string): ScriptedNode {
    const node = this.#nodes.get(validator);
    if (node === undefined) throw new Error(`no node of ${validator}`);
    return node;
  }

  status(validator: string): ValidatorStatus {
    if (this.started === undefined || !('signer' in this.started)) throw new Error('not started');
    const found = this.started.signer.status().validators.find(({ name }) => name === validator);
    if (found === undefined) throw new Error(`no validator ${validator}`);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.started !== undefined && 'signer' in this.started) {
      let isDone = false;
      const done = this.started.signer[Symbol.asyncDispose]().finally(() => {
        isDone = true;
      });
      // A session gives an answer in flight half a second, of this clock.
      while (!isDone) await this.pass(100);
      await done;
    }
    for (const node of this.#nodes.values()) await node[Symbol.asyncDispose]();
    this.#home[Symbol.dispose]();
    this.#folder[Symbol.dispose]();
  }

  readonly #openProvider = async (options: ProviderOptions): Promise<KeyProvider> => {
    const device = options.kind === 'yubihsm' ? this.#devices.get(options.objectId) : undefined;
    if (device === undefined) throw new Error('the rig has no such device');
    return device;
  };
}

function placeOf(objectId: number): ProviderOptions {
  return {
    kind: 'yubihsm',
    connector: 'http://127.0.0.1:1',
    authKeyId: 4,
    passwordFile: '/nowhere',
    objectId,
  };
}

/** Waits for something that takes turns of the event loop and no time of the clock. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Some turns of the event loop: what is on its way arrives. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}
