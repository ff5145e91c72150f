/** What the metrics with the label `validator` show of one. Pure. */
import type { ValidatorControl } from '../guard/validator-control.ts';
import { shownNodes } from '../page/shown-names.ts';
import type { RotationJson } from '../rotation/rotation-desk.ts';
import type { ValidatorStatus } from '../signer-status.ts';
import { DECISION_OUTCOMES, DECISION_TYPES, type ValidatorTally } from './decision-tally.ts';
import type { Metric, MetricLabel } from './metric.ts';

/** One number of a metric. */
export interface Sample {
  readonly labels: Readonly<Partial<Record<MetricLabel, string>>>;
  readonly value: number;
}

/** What is known of a validator at a scrape. */
export interface ValidatorFacts {
  readonly status: ValidatorStatus;
  readonly control: ValidatorControl;
  /** `undefined` while the store is broken. */
  readonly rotation: RotationJson | undefined;
  readonly tip: bigint | undefined;
  readonly missedBlocks: number;
  readonly tally: ValidatorTally;
  /** Connections made since the start, by the node's configured address. */
  readonly connects: ReadonlyMap<string, number>;
}

/** Values of the label `state`. */
export const ROTATION_STATES: readonly RotationJson['state'][] = [
  'none',
  'generated',
  'proven',
  'armed',
  'switched',
  'verified',
  'retiring',
  'finished',
  'held',
  'aborted',
];

type Labels = Sample['labels'];
type Reading = (facts: ValidatorFacts, own: Labels) => readonly Sample[];

function one(value: (facts: ValidatorFacts) => number | bigint | undefined): Reading {
  return (facts, own) => {
    const read = value(facts);
    return read === undefined ? [] : [{ labels: own, value: Number(read) }];
  };
}

/** The metrics of {@link METRICS} that have the label `validator`. */
export const VALIDATOR_READINGS: ReadonlyMap<Metric['name'], Reading> = new Map<
  Metric['name'],
  Reading
>([
  ['privval_decisions_total', decisions],
  ['privval_connected', connected],
  ['privval_connects_total', connects],
  ['privval_last_signed_height', one(lastSignedHeight)],
  ['privval_floor_height', one(({ status }) => status.floor.height)],
  ['privval_chain_height', one(({ tip }) => tip)],
  ['privval_missed_blocks_total', one(({ missedBlocks }) => missedBlocks)],
  ['privval_key_in_service', keysInService],
  ['privval_frozen', one(({ control }) => (control.freeze === undefined ? 0 : 1))],
  ['privval_rotation_state', rotationStates],
  [
    'privval_rotation_activation_height',
    one(({ rotation }) => rotation && BigInt(rotation.activationHeight ?? 0)),
  ],
  ['privval_rotation_missed_blocks', one(({ rotation }) => rotation?.missedHeights.length)],
]);

/** The numbers of one metric for one validator. */
export function validatorSamples(name: Metric['name'], facts: ValidatorFacts): readonly Sample[] {
  const own = { validator: facts.status.name, chain: facts.status.chainId };
  return VALIDATOR_READINGS.get(name)?.(facts, own) ?? [];
}

function decisions({ tally }: ValidatorFacts, own: Labels): readonly Sample[] {
  return DECISION_TYPES.flatMap((type) =>
    DECISION_OUTCOMES.map((outcome) => ({
      labels: { ...own, type, outcome },
      value: tally.counts[type][outcome],
    })),
  );
}

/** A floor that was signed at, before this process started, was the last signature. */
function lastSignedHeight({ tally, status: { floor } }: ValidatorFacts): bigint | undefined {
  return tally.lastSignedHeight ?? (floor.signature === undefined ? undefined : floor.height);
}

function connected({ status }: ValidatorFacts, own: Labels): readonly Sample[] {
  const names = shownNodes(status.nodes.map(({ address }) => address));
  const samples = status.nodes.map(({ state }, index) => ({
    labels: { ...own, node: names[index] ?? '' },
    value: state === 'serving' ? 1 : 0,
  }));
  if (status.grpc === undefined) return samples;
  const { state, requests } = status.grpc;
  const isAsked = state === 'listening' && requests > 0;
  return [...samples, { labels: { ...own, node: 'grpc' }, value: isAsked ? 1 : 0 }];
}

function connects(facts: ValidatorFacts, own: Labels): readonly Sample[] {
  const addresses = facts.status.nodes.map(({ address }) => address);
  const names = shownNodes(addresses);
  return addresses.map((address, index) => ({
    labels: { ...own, node: names[index] ?? '' },
    value: facts.connects.get(address) ?? 0,
  }));
}

function keysInService({ status }: ValidatorFacts, own: Labels): readonly Sample[] {
  const [first, ...others] = status.providers;
  if (first === undefined) return [];
  const samples = [{ labels: { ...own, provider: 'active' }, value: isUsable(first) ? 1 : 0 }];
  if (others.length === 0) return samples;
  const value = others.some(isUsable) ? 1 : 0;
  return [...samples, { labels: { ...own, provider: 'standby' }, value }];
}

function isUsable({ state }: ValidatorStatus['providers'][number]): boolean {
  return state !== 'out-of-service';
}

function rotationStates({ rotation }: ValidatorFacts, own: Labels): readonly Sample[] {
  if (rotation === undefined) return [];
  return ROTATION_STATES.map((state) => ({
    labels: { ...own, state },
    value: rotation.state === state ? 1 : 0,
  }));
}
