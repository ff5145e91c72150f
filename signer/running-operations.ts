/** What the admin API, the metrics and the page ask of a running signer: its desks, put together. */
import { readFileSync } from 'node:fs';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import type { Logger } from '@privval/proto/runtime/logger';
import type { ChainView } from './chain/chain-view.ts';
import type { Finding } from './doctor/finding.ts';
import { judgeSigner } from './doctor/judge-signer.ts';
import { lookAtMemory } from './doctor/look-at-machine.ts';
import { type ImportResult, importState, type StateImport } from './home/home-state.ts';
import type { Act } from './http/access.ts';
import type { WhyJson } from './http/admin-bodies.ts';
import type { NodeDesk, Operations } from './operations.ts';
import type { RotationDesk } from './rotation/rotation-desk.ts';
import type { Signer } from './signer.ts';
import type { SignerStatus } from './signer-status.ts';
import { whyHeight } from './why/why-height.ts';

/** The parts, each another's to close. */
export interface RunningOperationsDeps {
  readonly signer: Signer;
  readonly nodes: NodeDesk;
  readonly rotations: RotationDesk;
  /** `undefined` where no RPC is configured. */
  readonly chainOf: (validator: string) => ChainView | undefined;
  /** The newest height that counts: what a source tells, up to a limit (S33). */
  readonly tipOf: (validator: string) => bigint | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Over the parts. */
export class RunningOperations implements Operations {
  readonly home: string;
  readonly #deps: RunningOperationsDeps;

  constructor(deps: RunningOperationsDeps, options: { readonly home: string }) {
    this.#deps = deps;
    this.home = options.home;
  }

  get store(): Operations['store'] {
    return this.#deps.signer.store;
  }

  get controls(): Operations['controls'] {
    return this.#deps.signer.controls;
  }

  get nodes(): NodeDesk {
    return this.#deps.nodes;
  }

  get rotations(): RotationDesk {
    return this.#deps.rotations;
  }

  get audit(): Operations['audit'] {
    return this.#deps.signer.audit;
  }

  status(): SignerStatus {
    return this.#deps.signer.status();
  }

  raiseFloor(wanted: StateImport, act: Act): ImportResult {
    const tip = this.#deps.tipOf(wanted.validator);
    const result = importState(this.store, { ...wanted, tip }, act.by);
    if (result.isRaised) {
      this.#deps.logger.warn({ ...result, by: act.by }, 'the floor was raised by an operator');
    }
    return result;
  }

  chain(validator: string): ChainView | undefined {
    return this.#deps.chainOf(validator);
  }

  async why(validator: string, height: bigint, options?: AbortOptions): Promise<WhyJson> {
    const { audit, store } = this;
    const chain = this.chain(validator);
    return whyHeight({ audit, store, chain }, { validator, height }, options);
  }

  async doctor(options: AbortOptions = {}): Promise<readonly Finding[]> {
    options.signal?.throwIfAborted();
    const { signer, clock } = this.#deps;
    const facts = judgeSigner({
      nowMs: clock.now(),
      newestTimeMs: newestTimeMs(signer),
      storeFault: signer.store.fault,
      audit: signer.audit.status(),
      validators: this.status().validators.map((status) => {
        const chain = this.chain(status.name);
        return {
          status,
          isFrozen: signer.controls.control(status.name).freeze !== undefined,
          tip: chain?.tip(),
          tipTimeMs: chain?.tipTimeMs(),
          followers: chain?.followers() ?? [],
          rotation: this.rotations.status(status.name),
        };
      }),
    });
    const memory = lookAtMemory({ status: procFile('status'), limits: procFile('limits') });
    return [memory, ...facts];
  }
}

function newestTimeMs(signer: Signer): number {
  const [row] = signer.store.read('SELECT newest_time_ms AS ms FROM home', [], 1);
  return Number(row?.['ms'] ?? 0);
}

/** Of this process; nothing where there is no /proc. */
function procFile(name: string): string {
  try {
    return readFileSync(`/proc/self/${name}`, 'utf8');
  } catch {
    return '';
  }
}
