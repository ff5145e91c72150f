/** What is answered, by route. The answers are held against them in tests; the daemon does not spend time on it. */
import Type, { type Static, type TSchema } from 'typebox';
import { AUDIT_KINDS } from '../../audit/audit-entry.ts';
import type { LivePage } from '../../audit/audit-live.ts';
import type { Checkpoint } from '../../audit/audit-segment.ts';
import { DOCTOR_SUBJECTS, type Finding } from '../../doctor/finding.ts';
import type { ImportResult, StateRow, ValidatorRow } from '../../home/home-state.ts';
import type { RotationJson } from '../../rotation/rotation-desk.ts';
import type { Approval } from '../access.ts';
import type {
  ApprovalAskedJson,
  AuditPageJson,
  AuditStatusJson,
  ControlJson,
  KeyJson,
  NodeJson,
  PlanJson,
  ReloadJson,
  TransactionJson,
  WhyJson,
} from '../admin-bodies.ts';
import type { AdminRouteName } from '../admin-routes.ts';
import type { Problem } from '../problem.ts';
import type { StatusJson } from '../status-json.ts';
import { CLOSED, height, hexText, nameText, oneOf, timeText } from './texts.ts';

/** Whatever JSON leaves of a value: everything readonly, what is undefined is left out. */
type Sent<Value> = Value extends readonly (infer Item)[]
  ? readonly Sent<Item>[]
  : Value extends object
    ? { readonly [Name in keyof Value]: Sent<Value[Name]> | OptionalOf<Value, Name> }
    : Value;
type OptionalOf<Value, Name extends keyof Value> =
  object extends Pick<Value, Name> ? undefined : never;

/** Holds a schema against the type that is sent: what is sent passes the schema. */
function answers<Answer>(): <Schema extends TSchema>(
  schema: Answer extends Sent<Static<Schema>> ? Schema : never,
) => TSchema {
  return (schema) => schema;
}

const position = { height: height(), round: Type.Integer(), step: Type.Integer() };
const fault = Type.Object({ code: Type.String(), text: Type.String() });

const provider = Type.Object(
  {
    name: Type.String(),
    state: Type.String(),
    isActive: Type.Boolean(),
    fault: Type.Union([fault, Type.Null()]),
    since: timeText(),
  },
  CLOSED,
);
const key = Type.Object({ type: Type.String(), value: Type.String() }, CLOSED);

const status = Type.Object(
  {
    version: Type.String(),
    pid: Type.Integer(),
    startedAt: timeText(),
    validators: Type.Array(
      // Grows with the signer: programs take what they know.
      Type.Object({
        name: nameText(),
        chainId: Type.String(),
        publicKey: key,
        address: Type.String(),
        isInService: Type.Boolean(),
        fault: Type.Union([fault, Type.Null()]),
        providers: Type.Array(provider),
        floor: Type.Object(position, CLOSED),
        nodes: Type.Array(
          Type.Object({ address: Type.String(), state: Type.String() }, { description: 'a link' }),
        ),
        grpc: Type.Union([
          Type.Object({ listen: Type.String(), state: Type.String() }),
          Type.Null(),
        ]),
      }),
    ),
  },
  CLOSED,
);

const validators = answers<readonly ValidatorRow[]>()(
  Type.Array(
    Type.Object(
      {
        name: nameText(),
        chainId: Type.String(),
        publicKey: key,
        publicKeyHex: Type.String(),
        address: Type.String(),
        providers: Type.Optional(Type.Array(provider)),
      },
      CLOSED,
    ),
  ),
);

const stateRow = Type.Object(
  { validator: nameText(), chainId: Type.String(), ...position },
  CLOSED,
);

const importResult = answers<ImportResult>()(
  Type.Object(
    {
      validator: nameText(),
      isRaised: Type.Boolean(),
      before: Type.Object(position, CLOSED),
      after: Type.Object(position, CLOSED),
    },
    CLOSED,
  ),
);

const nodes = answers<readonly NodeJson[]>()(
  Type.Array(
    Type.Object(
      {
        address: Type.Union([Type.String(), Type.Null()]),
        rpc: Type.Union([Type.String(), Type.Null()]),
        state: Type.String(),
        version: Type.Union([Type.String(), Type.Null()]),
        tip: Type.Union([height(), Type.Null()]),
        committed: Type.Union([height(), Type.Null()]),
        error: Type.Union([
          Type.Object({ code: Type.String(), text: Type.String(), at: timeText() }, CLOSED),
          Type.Null(),
        ]),
      },
      CLOSED,
    ),
  ),
);

const control = answers<ControlJson>()(
  Type.Object(
    {
      validator: nameText(),
      isFrozen: Type.Boolean(),
      cause: Type.Union([Type.String(), Type.Null()]),
      reason: Type.Union([Type.String(), Type.Null()]),
      since: Type.Union([timeText(), Type.Null()]),
      raiseFloorTo: Type.Union([height(), Type.Null()]),
      heightCeiling: Type.Union([height(), Type.Null()]),
    },
    CLOSED,
  ),
);

const rotation = answers<RotationJson>()(
  Type.Object(
    {
      validator: nameText(),
      state: Type.String({
        description:
          'none, generated, proven, armed, switched, verified, retiring, finished, held or aborted',
      }),
      oldKey: Type.Union([key, Type.Null()]),
      newKey: Type.Union([key, Type.Null()]),
      activationHeight: Type.Union([height(), Type.Null()]),
      armedBy: Type.Union([Type.Literal('chain'), Type.Literal('hand'), Type.Null()]),
      missedHeights: Type.Array(height()),
      notes: Type.Array(Type.String()),
      retiring: Type.Array(
        Type.Object(
          {
            publicKey: key,
            untilHeight: Type.Union([height(), Type.Null()]),
            untilTime: Type.Union([timeText(), Type.Null()]),
          },
          CLOSED,
        ),
      ),
    },
    CLOSED,
  ),
);

const planItem = Type.Object(
  {
    id: Type.String(),
    state: oneOf(['green', 'red', 'unknown', 'not-applicable']),
    text: Type.String(),
    remedy: Type.Optional(Type.String()),
  },
  CLOSED,
);

const plan = answers<PlanJson>()(
  Type.Object({ isGreen: Type.Boolean(), items: Type.Array(planItem) }, CLOSED),
);

const entry = Type.Object(
  {
    seq: height(),
    timeMs: Type.Integer(),
    kind: oneOf(AUDIT_KINDS),
    validator: Type.Optional(Type.String()),
    position: Type.Optional(Type.Object(position, CLOSED)),
    signHash: Type.Optional(Type.String()),
    body: Type.Unknown({ description: 'by kind' }),
    hash: Type.String(),
  },
  CLOSED,
);

const auditPage = answers<AuditPageJson>()(
  Type.Object(
    { entries: Type.Array(entry), nextAfter: Type.Union([height(), Type.Null()]) },
    CLOSED,
  ),
);

const auditStatus = answers<AuditStatusJson>()(
  Type.Object(
    {
      newestSeq: Type.Union([height(), Type.Null()]),
      newestHash: Type.String(),
      oldestSeq: Type.Union([height(), Type.Null()]),
      bytes: Type.Integer(),
      segments: Type.Integer(),
      newestCheckpointSeq: Type.Union([height(), Type.Null()]),
      reserveBytes: Type.Integer(),
    },
    CLOSED,
  ),
);

const checkpoint = answers<Checkpoint>()(
  Type.Object(
    {
      format: Type.String(),
      homeId: Type.String(),
      seq: height(),
      hash: Type.String(),
      floors: Type.Record(Type.String(), Type.String()),
      time: timeText(),
      auditKey: Type.String(),
      signature: Type.String(),
    },
    CLOSED,
  ),
);

const approval = answers<Approval>()(
  Type.Object(
    {
      id: Type.String(),
      act: Type.String(),
      validator: Type.Union([Type.String(), Type.Null()]),
      hash: Type.String({ description: 'SHA-256 of what is asked, hex' }),
      body: Type.Unknown({ description: 'what is asked' }),
      askedBy: Type.String(),
      approvedBy: Type.Union([Type.String(), Type.Null()]),
      expiresAt: timeText(),
      state: oneOf(['asked', 'approved', 'used', 'expired']),
    },
    CLOSED,
  ),
);

const findings = answers<readonly Finding[]>()(
  Type.Array(
    Type.Object(
      {
        subject: oneOf(DOCTOR_SUBJECTS),
        of: Type.Optional(Type.String()),
        state: oneOf(['good', 'note', 'bad', 'unknown']),
        text: Type.String(),
        remedy: Type.Optional(Type.String()),
        code: Type.Optional(Type.String()),
      },
      CLOSED,
    ),
  ),
);

const live = answers<LivePage>()(
  Type.Object(
    {
      // What `audit verify` takes apart and holds against each other.
      head: Type.Object({ format: Type.String(), homeId: Type.String(), first: height() }),
      lines: Type.Array(Type.String()),
      nextAfter: Type.Union([height(), Type.Null()]),
    },
    CLOSED,
  ),
);

/** By route; null: the answer is a file, not JSON of ours. */
export const ANSWER_SCHEMAS: Readonly<Record<AdminRouteName, TSchema | null>> = {
  status: answers<StatusJson>()(status),
  validators,
  keys: answers<readonly KeyJson[]>()(
    Type.Array(
      Type.Object(
        {
          validator: nameText(),
          chainId: Type.String(),
          publicKey: key,
          address: Type.String(),
          state: oneOf(['current', 'staged', 'retiring']),
          activationHeight: Type.Union([height(), Type.Null()]),
          providers: Type.Array(provider),
        },
        CLOSED,
      ),
    ),
  ),
  state: answers<readonly StateRow[]>()(Type.Array(stateRow)),
  'state.export': null,
  'state.hand-over': null,
  'floor.show': answers<StateRow>()(stateRow),
  'floor.raise': importResult,
  nodes,
  'nodes.add': nodes,
  'nodes.remove': nodes,
  'validator.freeze': control,
  'validator.unfreeze': control,
  'validator.ceiling': control,
  'validator.why': answers<WhyJson>()(
    Type.Object(
      {
        validator: nameText(),
        height: height(),
        attendance: Type.Union([
          Type.Object({ height: height(), state: Type.String() }, CLOSED),
          Type.Null(),
        ]),
        sentences: Type.Array(Type.String()),
        entries: Type.Array(entry),
      },
      CLOSED,
    ),
  ),
  'rotation.status': rotation,
  'rotation.plan': plan,
  'rotation.generate': rotation,
  'rotation.prove': rotation,
  'rotation.tx': answers<TransactionJson>()(
    Type.Object({ lines: Type.Array(Type.String()) }, CLOSED),
  ),
  'rotation.arm': rotation,
  'rotation.verify': rotation,
  'rotation.finish': rotation,
  'rotation.abort': rotation,
  'audit.show': auditPage,
  'audit.status': auditStatus,
  'audit.live': live,
  'audit.checkpoint': checkpoint,
  approvals: Type.Array(approval),
  'approvals.approve': approval,
  doctor: findings,
  reload: answers<ReloadJson>()(
    Type.Object(
      {
        changed: Type.Array(Type.String()),
        needsRestart: Type.Array(Type.String()),
        refused: Type.Union([
          Type.Object({ code: Type.String(), text: Type.String() }, CLOSED),
          Type.Null(),
        ]),
      },
      CLOSED,
    ),
  ),
};

/** Every answer that is no success. */
export const PROBLEM_SCHEMA: TSchema = answers<Problem>()(
  Type.Object(
    {
      type: Type.String(),
      title: Type.String(),
      status: Type.Integer(),
      code: Type.String({ description: 'see docs/errors.md' }),
      detail: Type.String(),
    },
    CLOSED,
  ),
);

/** Answer 202: a second person is needed. */
export const ASKED_SCHEMA: TSchema = answers<ApprovalAskedJson>()(
  Type.Object(
    {
      approval: hexText(16, 'id'),
      hash: hexText(32, 'SHA-256 of what is asked'),
      expiresAt: timeText(),
      approveWith: Type.String(),
    },
    CLOSED,
  ),
);
