/** What may be asked, by route: parameters of the path, of the query, bodies. Unknown members are refused. */
import Type, { type Static, type TSchema } from 'typebox';
import { AUDIT_KINDS } from '../../audit/audit-entry.ts';
import type {
  ApproveBody,
  ArmBody,
  AuditShowQueryText,
  CeilingBody,
  FinishBody,
  FloorRaiseBody,
  FreezeBody,
  GenerateBody,
  NodeBody,
  ProveBody,
  TransactionBody,
} from '../admin-bodies.ts';
import { type AdminRouteName, MAX_BODY_BYTES } from '../admin-routes.ts';
import { CLOSED, heightText, hexText, nameText, oneOf } from './texts.ts';

/** What a request to a route may bring; a part that is left out may bring nothing. */
export interface RequestSchemas {
  readonly query?: TSchema;
  readonly body?: TSchema;
}

/** Holds a schema against the type that its handler is given: what passes the schema is of the type. */
function requests<Body>(): <Schema extends TSchema>(
  schema: Static<Schema> extends Body ? Schema : never,
) => TSchema {
  return (schema) => schema;
}

const confirm = Type.Optional(
  Type.String({
    maxLength: 64,
    description: "the validator's name once more: what is asked cannot be undone",
  }),
);
const approval = Type.Optional(
  hexText(16, 'id of an approval, where two persons are needed (answer 202 gives one)'),
);
const ACT = { confirm, approval };
const LIMITED = Type.String({ minLength: 1, maxLength: 1_024 });
const POWER = Type.String({ pattern: '^[1-9][0-9]{0,18}$', description: 'voting power' });

const act = Type.Object(ACT, CLOSED);

const floorRaise = requests<FloorRaiseBody>()(
  Type.Object(
    {
      ...ACT,
      stateFile: Type.Optional(
        Type.String({ maxLength: MAX_BODY_BYTES, description: 'priv_validator_state.json' }),
      ),
      floorHeight: Type.Optional(heightText('nothing at or below this height is signed any more')),
    },
    { ...CLOSED, minProperties: 1 },
  ),
);

const node = requests<NodeBody>()(
  Type.Object(
    {
      ...ACT,
      address: Type.Optional(Type.String({ maxLength: 1_024, description: 'as in signer.toml' })),
      rpc: Type.Optional(
        Type.String({
          maxLength: 1_024,
          description: "the node's RPC; without an address: a witness",
        }),
      ),
    },
    CLOSED,
  ),
);

const generate = requests<GenerateBody>()(
  Type.Object(
    {
      ...ACT,
      key: Type.Union(
        [
          Type.Object(
            { kind: Type.Literal('file'), passphraseFile: Type.Optional(LIMITED) },
            CLOSED,
          ),
          Type.Object(
            {
              kind: Type.Literal('yubihsm'),
              setupAuthKeyId: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
              setupPasswordFile: Type.Optional(LIMITED),
              isNonExportable: Type.Optional(Type.Boolean()),
            },
            CLOSED,
          ),
          Type.Object({ kind: Type.Literal('pkcs11'), keyLabel: Type.Optional(LIMITED) }, CLOSED),
        ],
        { description: 'where the new key is made; secrets by the path of a file, never by value' },
      ),
    },
    CLOSED,
  ),
);

const arm = requests<ArmBody>()(
  Type.Object(
    {
      ...ACT,
      atHeight: heightText('the first height of the new key'),
      isPassed: Type.Optional(
        Type.Boolean({ description: 'the operator states that the height before is committed' }),
      ),
    },
    CLOSED,
  ),
);

const operator = Type.Optional(
  Type.String({ minLength: 1, maxLength: 128, description: "the operator's account address" }),
);

const transaction = requests<TransactionBody>()(
  Type.Object(
    {
      ...ACT,
      format: oneOf(['sdk', 'kvstore']),
      power: Type.Optional(POWER),
      operator,
    },
    CLOSED,
  ),
);

const finish = requests<FinishBody>()(
  Type.Object(
    {
      ...ACT,
      oldKey: Type.Optional(hexText(32, 'which old key is destroyed; the oldest if left out')),
      isWindowOver: Type.Optional(
        Type.Boolean({ description: 'the operator states that no evidence can count any more' }),
      ),
    },
    CLOSED,
  ),
);

const auditQuery = requests<AuditShowQueryText>()(
  Type.Object(
    {
      after: Type.Optional(heightText('entries after this number')),
      kind: Type.Optional(oneOf(AUDIT_KINDS)),
      validator: Type.Optional(nameText()),
      from: Type.Optional(heightText()),
      to: Type.Optional(heightText()),
      limit: Type.Optional(
        Type.String({ pattern: '^[0-9]{1,4}$', description: 'entries, 1000 at the most' }),
      ),
    },
    CLOSED,
  ),
);

/** By route. A route that is not here takes nothing but its path. */
export const REQUEST_SCHEMAS: Readonly<Partial<Record<AdminRouteName, RequestSchemas>>> = {
  'state.hand-over': { body: act },
  'floor.raise': { body: floorRaise },
  'nodes.add': { body: node },
  'nodes.remove': { body: node },
  'validator.freeze': {
    body: requests<FreezeBody>()(
      Type.Object({ ...ACT, reason: Type.Optional(Type.String({ maxLength: 500 })) }, CLOSED),
    ),
  },
  'validator.unfreeze': { body: act },
  'validator.ceiling': {
    body: requests<CeilingBody>()(
      Type.Object(
        {
          ...ACT,
          height: Type.Union([heightText(), Type.Null()], {
            description: 'nothing above is signed; null: no ceiling',
          }),
        },
        CLOSED,
      ),
    ),
  },
  'rotation.plan': { body: act },
  'rotation.generate': { body: generate },
  'rotation.prove': {
    body: requests<ProveBody>()(Type.Object({ ...ACT, operator }, CLOSED)),
  },
  'rotation.tx': { body: transaction },
  'rotation.arm': { body: arm },
  'rotation.finish': { body: finish },
  'rotation.abort': { body: act },
  'audit.show': { query: auditQuery },
  'audit.live': {
    query: Type.Object(
      {
        after: Type.Optional(heightText('entries after this number')),
      },
      CLOSED,
    ),
  },
  'audit.checkpoint': { body: act },
  'approvals.approve': {
    body: requests<ApproveBody>()(
      Type.Object(
        { hash: Type.Optional(hexText(32, 'what the approver has read; another one is refused')) },
        CLOSED,
      ),
    ),
  },
  reload: { body: act },
};
