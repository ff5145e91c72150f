/** A running signer without nodes, keys or disks: what the admin API, the metrics and the page are tested over. */
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { parseChainId } from '@privval/proto/types/chain-id';
import type { ChainView } from '@privval/signer/chain/chain-view';
import type { Finding } from '@privval/signer/doctor/finding';
import type { ValidatorControl } from '@privval/signer/guard/validator-control';
import {
  exportState,
  type ImportResult,
  importState,
  type StateImport,
} from '@privval/signer/home/home-state';
import type { Act } from '@privval/signer/http/access';
import type { NodeJson, ReloadJson, WhyJson } from '@privval/signer/http/admin-bodies';
import type { ControlDesk, NodeDesk, Operations } from '@privval/signer/operations';
import type { StatusEvent, StatusFeed } from '@privval/signer/page/status-event';
import type { SignerStatus, ValidatorStatus } from '@privval/signer/signer-status';
import { FakeAuditLog } from './fake-audit-log.ts';
import { type DeskCall, FakeRotationDesk } from './fake-rotation-desk.ts';
import { MemorySignStateStore } from './memory-sign-state-store.ts';

/** What is left out of a signer with one validator, `main` on `chain-1`, its floor at 5/1/prevote. */
export interface FakeOperationsOptions {
  /** Names of its validators; each is on a chain of its own: `chain-1`, `chain-2`, … @default main */
  readonly validators?: readonly string[] | undefined;
  readonly status?: (() => SignerStatus) | undefined;
}

/**
 * Acts like the desks do, in memory; `calls` has every act in order, with who did it. Unknown
 * validators are refused as the store does.
 */
export class FakeOperations implements Operations {
  readonly home = '/home/of/the/signer';
  readonly store: MemorySignStateStore = new MemorySignStateStore();
  readonly audit: FakeAuditLog = new FakeAuditLog();
  readonly rotations: FakeRotationDesk;
  readonly controls: ControlDesk;
  readonly nodes: NodeDesk;
  readonly feed: StatusFeed;
  /** What {@link Operations.chain} gives, by validator. */
  readonly chains: Map<string, ChainView> = new Map();
  /** What {@link Operations.doctor} finds. */
  findings: readonly Finding[] = [{ subject: 'store', state: 'good', text: 'floors are durable' }];
  /** What a reload says. */
  reloaded: ReloadJson = { changed: [], needsRestart: [], refused: null };
  /** Validators that are frozen: the ones in this map. */
  readonly controlOf: Map<string, ValidatorControl> = new Map();
  readonly nodesOf: Map<string, readonly NodeJson[]> = new Map();
  readonly calls: DeskCall[];
  /** Readers of the page's stream get these. */
  readonly events: StatusEvent[] = [];
  readonly #status: (() => SignerStatus) | undefined;

  constructor(options: FakeOperationsOptions = {}) {
    const { validators = ['main'], status } = options;
    this.#status = status;
    for (const [index, name] of validators.entries()) {
      this.store.addValidator(
        {
          name,
          chainId: parseChainId(`chain-${index + 1}`),
          publicKey: new Uint8Array(32).fill(9 + index),
        },
        { height: 5n, round: 1, step: 'prevote' },
      );
    }
    this.rotations = new FakeRotationDesk((validator) => this.store.validator(validator));
    this.calls = this.rotations.calls;
    this.controls = this.#controlDesk();
    this.nodes = this.#nodeDesk();
    this.feed = this.#statusFeed();
  }

  status(): SignerStatus {
    if (this.#status !== undefined) return this.#status();
    return {
      startedAtMs: 0,
      validators: this.store.validators().map(
        ({ name, chainId, publicKey }): ValidatorStatus => ({
          name,
          chainId,
          publicKey,
          fault: undefined,
          providers: [],
          floor: this.store.floor(name),
          nodes: [],
          grpc: undefined,
        }),
      ),
    };
  }

  raiseFloor(wanted: StateImport, act: Act): ImportResult {
    const result = importState(this.store, wanted);
    this.#note('floor.raise', wanted.validator, wanted, act);
    return result;
  }

  chain(validator: string): ChainView | undefined {
    return this.chains.get(validator);
  }

  async why(validator: string, height: bigint, options: AbortOptions = {}): Promise<WhyJson> {
    options.signal?.throwIfAborted();
    this.store.validator(validator);
    return {
      validator,
      height: String(height),
      attendance: { height: String(height), state: 'missed' },
      sentences: [`height ${height} was never asked for`],
      entries: [],
    };
  }

  async doctor(options: AbortOptions = {}): Promise<readonly Finding[]> {
    options.signal?.throwIfAborted();
    return this.findings;
  }

  #controlDesk(): ControlDesk {
    const control = (validator: string): ValidatorControl => {
      this.store.validator(validator);
      return this.controlOf.get(validator) ?? {};
    };
    const set = (validator: string, value: ValidatorControl): ValidatorControl => {
      this.controlOf.set(validator, value);
      return value;
    };
    const freeze = (
      validator: string,
      reason: string,
      act: Act,
      cause: 'operator' | 'hand-over',
    ): ValidatorControl => {
      const before = control(validator);
      this.#note(cause === 'operator' ? 'freeze' : 'hand-over', validator, reason, act);
      if (before.freeze !== undefined) return before;
      return set(validator, { ...before, freeze: { cause, reason, atMs: 0, by: act.by } });
    };
    return {
      control,
      freeze: async (validator, reason, act) => freeze(validator, reason, act, 'operator'),
      unfreeze: (validator, act) => {
        const { freeze: _, ...rest } = control(validator);
        this.#note('unfreeze', validator, undefined, act);
        return set(validator, rest);
      },
      setHeightCeiling: (validator, heightCeiling, act) => {
        const before = control(validator);
        this.#note('ceiling', validator, heightCeiling, act);
        return set(validator, { ...before, heightCeiling });
      },
      handOver: async (validator, act) => {
        freeze(validator, 'handed over', act, 'hand-over');
        return exportState(this.store, { validator, isStale: false });
      },
    };
  }

  #nodeDesk(): NodeDesk {
    const nodes = (validator: string): readonly NodeJson[] => {
      this.store.validator(validator);
      return this.nodesOf.get(validator) ?? [];
    };
    const isNode = ({ address, rpc }: NodeJson, name: string): boolean =>
      address === name || (address === null && rpc === name);
    return {
      nodes,
      add: async (validator, { address = null, rpc = null }, act) => {
        const added: NodeJson = {
          address,
          rpc,
          state: 'connecting',
          version: null,
          tip: null,
          committed: null,
          error: null,
        };
        const before = nodes(validator);
        this.#note('nodes.add', validator, { address, rpc }, act);
        this.nodesOf.set(validator, [...before, added]);
        return nodes(validator);
      },
      remove: async (validator, address, act) => {
        const before = nodes(validator);
        this.#note('nodes.remove', validator, address, act);
        this.nodesOf.set(
          validator,
          before.filter((node) => !isNode(node, address)),
        );
        return nodes(validator);
      },
      reload: async (act) => {
        this.#note('reload', '', undefined, act);
        return this.reloaded;
      },
    };
  }

  #statusFeed(): StatusFeed {
    const { events } = this;
    return {
      subscribers: 0,
      async *subscribe(options) {
        for (const event of events) {
          options.signal?.throwIfAborted();
          yield event;
        }
      },
    };
  }

  #note(what: string, validator: string, wanted: unknown, act: Act): void {
    this.calls.push({ what, validator, wanted, act });
  }
}
