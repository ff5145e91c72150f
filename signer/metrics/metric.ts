/**
 * Every metric there is, once: the registry, the dashboard's and the alerts' tests go by it.
 *
 * Labels are bounded by the configuration: names of validators and nodes, and words of this table.
 * Nothing that a node, a caller or a chain chooses is ever a label's value; a code is one of
 * docs/errors.md or `other`. The histogram has no validator: 64 of them times stages and types
 * take 33 ms to render.
 */

/** How a metric counts. */
export type MetricType = 'counter' | 'gauge' | 'histogram';

/** One metric. */
export interface Metric {
  readonly name: `privval_${string}`;
  readonly type: MetricType;
  readonly help: string;
  readonly labels: readonly MetricLabel[];
  /** Upper bounds in seconds. */
  readonly buckets?: readonly number[];
}

/** Label names, and where their values come from. */
export type MetricLabel =
  /** A validator of the home. */
  | 'validator'
  /** Its chain, beside the name: misses are summed by chain. */
  | 'chain'
  /** Place of a node in the configuration, by its address. */
  | 'node'
  /** proposal, prevote, precommit. */
  | 'type'
  /** signed, repeated, refused, failed, abandoned. */
  | 'outcome'
  /** queue, reserve, sign, verify, extension, total. */
  | 'stage'
  /** A word of a `RotationState`, or none. */
  | 'state'
  /** A provider of the validator's key, by its place: active, standby. */
  | 'provider'
  /** read, act, heavy, unproven. */
  | 'limit'
  | 'version';

/** The table. */
export const METRICS: readonly Metric[] = [
  {
    name: 'privval_build_info',
    type: 'gauge',
    help: '1; the release is its label',
    labels: ['version'],
  },
  {
    name: 'privval_decisions_total',
    type: 'counter',
    help: 'Requests to sign, by how they ended',
    labels: ['validator', 'chain', 'type', 'outcome'],
  },
  {
    name: 'privval_sign_seconds',
    type: 'histogram',
    help: 'Time of requests that were signed, by stage',
    labels: ['type', 'stage'],
    buckets: [0.0001, 0.0002, 0.0003, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
  },
  {
    name: 'privval_connected',
    type: 'gauge',
    help: '1 while the node is connected and asks',
    labels: ['validator', 'chain', 'node'],
  },
  {
    name: 'privval_connects_total',
    type: 'counter',
    help: 'Connections that were made',
    labels: ['validator', 'chain', 'node'],
  },
  {
    name: 'privval_last_signed_height',
    type: 'gauge',
    help: 'Height of the last signature',
    labels: ['validator', 'chain'],
  },
  {
    name: 'privval_floor_height',
    type: 'gauge',
    help: 'Height of the floor',
    labels: ['validator', 'chain'],
  },
  {
    name: 'privval_chain_height',
    type: 'gauge',
    help: 'Newest height that any RPC tells',
    labels: ['validator', 'chain'],
  },
  {
    name: 'privval_missed_blocks_total',
    type: 'counter',
    help: 'Canonical commits without a signature of this validator, while it was in the set',
    labels: ['validator', 'chain'],
  },
  {
    name: 'privval_key_in_service',
    type: 'gauge',
    help: '1 while the place of the key can sign',
    labels: ['validator', 'chain', 'provider'],
  },
  {
    name: 'privval_frozen',
    type: 'gauge',
    help: '1 while it is frozen',
    labels: ['validator', 'chain'],
  },
  {
    name: 'privval_rotation_state',
    type: 'gauge',
    help: '1 for the state of the newest rotation, 0 for the others',
    labels: ['validator', 'chain', 'state'],
  },
  {
    name: 'privval_rotation_activation_height',
    type: 'gauge',
    help: 'Activation height of the newest rotation; 0 without one',
    labels: ['validator', 'chain'],
  },
  {
    name: 'privval_rotation_missed_blocks',
    type: 'gauge',
    help: 'Blocks missed from A-1 to A+1 of the newest rotation',
    labels: ['validator', 'chain'],
  },
  {
    name: 'privval_store_writable',
    type: 'gauge',
    help: '1 while the floor can be made durable',
    labels: [],
  },
  {
    name: 'privval_audit_entries_total',
    type: 'counter',
    help: 'Number of the newest audit entry',
    labels: [],
  },
  {
    name: 'privval_audit_bytes',
    type: 'gauge',
    help: 'Bytes of the audit log, closed segments included',
    labels: [],
  },
  {
    name: 'privval_disk_free_bytes',
    type: 'gauge',
    help: 'Free bytes where the home is',
    labels: [],
  },
  {
    name: 'privval_admin_refused_total',
    type: 'counter',
    help: 'Admin requests over their limit or without the right',
    labels: ['limit'],
  },
  {
    name: 'privval_event_loop_delay_seconds',
    type: 'gauge',
    help: 'p99 delay of the event loop since the last scrape',
    labels: [],
  },
];
