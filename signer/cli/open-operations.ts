/** Puts the desks of a running signer together, and brings what they change into effect. */
import { systemRandom } from '@privval/proto/runtime/random';
import type { ChainView } from '../chain/chain-view.ts';
import { ChainViews } from '../chain-views.ts';
import { ConfiguredNodeDesk, type RpcStatus } from '../nodes/node-desk.ts';
import type { Operations } from '../operations.ts';
import { RunningOperations } from '../running-operations.ts';
import type { OperatingDeps, OperatingOptions } from './operate.ts';

/** The desks, and what the floor's limits go by. */
export interface Opened {
  readonly operations: Operations;
  readonly tipOf: (validator: string) => bigint | undefined;
}

/** Opens them; `resources` owns what has to be closed. */
export async function openOperations(
  { signer, clock, logger }: OperatingDeps,
  { home, config }: OperatingOptions,
  resources: AsyncDisposableStack,
): Promise<Opened> {
  const { store, audit, controls, rotations } = signer;
  const chains = resources.use(
    ChainViews.start(
      {
        store,
        audit,
        controls,
        keysOf: (validator) => rotations.knownKeysOf(validator),
        onBlock: (validator, node, height) => signer.blockCommitted(validator, node, height),
        clock,
        random: systemRandom,
        logger,
      },
      signer.validators,
      (view, validator) => signer.follow(validator, view),
    ),
  );
  const nodes = new ConfiguredNodeDesk(
    {
      validators: () => signer.validators,
      statusOf: (validator) => signer.statusOf(validator),
      rpcsOf: (validator) => rpcStatuses(chains.of(validator)),
      committedOn: (validator, node) => rotations.committedHeights(validator).get(node),
      setNodes: async (validator, options) => {
        await signer.setNodes(validator, options);
        chains.setSources(options);
      },
      setLogLevel: (level) => {
        logger.level = level;
      },
      tables: store,
      logger,
    },
    { home, config },
  );
  const hearReload = (): void => void nodes.reload({ name: 'reload', by: 'SIGHUP' });
  process.on('SIGHUP', hearReload);
  resources.defer(async () => void process.off('SIGHUP', hearReload));
  const chainOf = (validator: string): ChainView | undefined => chains.of(validator);
  const tipOf = (validator: string): bigint | undefined => chains.tipOf(validator);
  const desks = { signer, nodes, rotations: signer.rotationDesk, chainOf, tipOf };
  return { operations: new RunningOperations({ ...desks, clock, logger }, { home }), tipOf };
}

function rpcStatuses(view: ChainView | undefined): readonly RpcStatus[] {
  return (view?.followers() ?? []).map(({ source, version, tip, lastError }) => ({
    url: source.url,
    version,
    tip,
    error: lastError,
  }));
}
