/** Handlers of status, validators, keys, floors, nodes, freezes. */
import { addressToText, publicKeyFromJson } from '@privval/proto/crypto/key-json';
import { addressFromPublicKey } from '@privval/proto/crypto/public-key';
import { utf8Bytes } from '@privval/proto/runtime/bytes';
import type { ValidatorControl } from '../guard/validator-control.ts';
import { parseHeight } from '../home/height.ts';
import { exportState, stateRows, type ValidatorRow, validatorRows } from '../home/home-state.ts';
import type { RotationJson } from '../rotation/rotation-desk.ts';
import type { SignerStatus } from '../signer-status.ts';
import type {
  CeilingBody,
  ControlJson,
  FloorRaiseBody,
  FreezeBody,
  KeyJson,
  NodeBody,
} from './admin-bodies.ts';
import { type AdminHandler, type AdminParts, FileAnswer } from './admin-call.ts';
import { WrongRequestError } from './admin-errors.ts';
import type { AdminRouteName } from './admin-routes.ts';
import { providerHealthJson } from './provider-health-json.ts';
import { validatorStatusJson } from './status-json.ts';

/** The routes of {@link STATE_HANDLERS}. */
export type StateRouteName = Exclude<
  AdminRouteName,
  `rotation.${string}` | `audit.${string}` | `approvals${string}`
>;

/** By route. */
export const STATE_HANDLERS: Readonly<Record<StateRouteName, AdminHandler>> = {
  status: ({ statusText }) => new FileAnswer('application/json; charset=utf-8', statusText()),
  validators: ({ operations }) => {
    const status = operations.status();
    const keys = new Map(status.validators.map(({ name, publicKey }) => [name, publicKey]));
    return withProviders(
      validatorRows(operations.store, (name) => keys.get(name)),
      status,
    );
  },
  keys: ({ operations }) => operations.status().validators.flatMap((of) => keysOf(operations, of)),
  state: ({ operations: { store } }) => stateRows(store),
  'state.export': ({ operations: { store }, logger }, { validator }) => {
    // It goes on signing, so the file is not the last word (S12).
    const file = exportState(store, { validator, isStale: true });
    logger.info({ validator }, 'the floor was exported, marked stale');
    return new FileAnswer('application/json', file);
  },
  'state.hand-over': async ({ operations: { controls } }, { validator, act, signal }) =>
    new FileAnswer('application/json', await controls.handOver(validator, act, { signal })),
  'floor.show': ({ operations: { store } }, { validator }) =>
    stateRows(store).find((row) => row.validator === validator),
  'floor.raise': ({ operations }, { validator, act, body }) => {
    const { stateFile, floorHeight, confirm } = body as FloorRaiseBody;
    if (stateFile === undefined && floorHeight === undefined) {
      throw new WrongRequestError('give stateFile, floorHeight, or both');
    }
    const state = stateFile === undefined ? undefined : utf8Bytes(stateFile);
    const height = floorHeight === undefined ? undefined : parseHeight(floorHeight);
    return operations.raiseFloor({ validator, state, floorHeight: height, confirm }, act);
  },
  nodes: ({ operations: { nodes } }, { validator }) => nodes.nodes(validator),
  'nodes.add': ({ operations: { nodes } }, { validator, act, body }) => {
    const { address, rpc } = body as NodeBody;
    if (address === undefined && rpc === undefined) throw nodeless();
    return nodes.add(validator, { address, rpc }, act);
  },
  'nodes.remove': ({ operations: { nodes } }, { validator, act, body }) => {
    const { address, rpc } = body as NodeBody;
    const name = address ?? rpc;
    if (name === undefined) throw nodeless();
    return nodes.remove(validator, name, act);
  },
  'validator.freeze': async ({ operations: { controls } }, { validator, act, body, signal }) => {
    const { reason = '' } = body as FreezeBody;
    return controlJson(validator, await controls.freeze(validator, reason, act, { signal }));
  },
  'validator.unfreeze': ({ operations: { controls } }, { validator, act }) =>
    controlJson(validator, controls.unfreeze(validator, act)),
  'validator.ceiling': ({ operations: { controls } }, { validator, act, body }) => {
    const { height } = body as unknown as CeilingBody;
    const ceiling = height === null ? undefined : parseHeight(height);
    return controlJson(validator, controls.setHeightCeiling(validator, ceiling, act));
  },
  'validator.why': ({ operations }, { validator, params, signal }) =>
    operations.why(validator, parseHeight(params['height'] ?? ''), { signal }),
  doctor: ({ operations }, { signal }) => operations.doctor({ signal }),
  reload: ({ operations: { nodes } }, { act }) => nodes.reload(act),
};

function nodeless(): WrongRequestError {
  return new WrongRequestError('give address, or rpc for a witness');
}

/** A validator that is only in the store has none: it is not served. */
function withProviders(
  rows: readonly ValidatorRow[],
  { validators }: SignerStatus,
): readonly ValidatorRow[] {
  const byName = new Map(validators.map(({ name, providers }) => [name, providers]));
  return rows.map((row) => ({
    ...row,
    providers: (byName.get(row.name) ?? []).map(providerHealthJson),
  }));
}

/** The keys of one validator: the one that signs, the one that will, those kept for their evidence. */
function keysOf(
  { rotations }: AdminParts['operations'],
  status: SignerStatus['validators'][number],
): readonly KeyJson[] {
  const { name, chainId, publicKey, address, providers } = validatorStatusJson(status);
  const rotation = rotations.status(name);
  const { newKey, activationHeight } = rotation;
  const current = currentKey(rotation) ?? publicKey;
  const of = { validator: name, chainId, activationHeight: null, providers: [] };
  const staged: readonly KeyJson[] =
    newKey !== null && isStaged(rotation)
      ? [
          {
            ...of,
            publicKey: newKey,
            address: addressOf(newKey),
            state: 'staged',
            activationHeight,
          },
        ]
      : [];
  return [
    {
      ...of,
      publicKey: current,
      address: current === publicKey ? address : addressOf(current),
      state: 'current',
      providers,
    },
    ...staged,
    ...rotation.retiring.map(
      ({ publicKey: old }): KeyJson => ({
        ...of,
        publicKey: old,
        address: addressOf(old),
        state: 'retiring',
      }),
    ),
  ];
}

function currentKey({ state, oldKey, newKey }: RotationJson): KeyJson['publicKey'] | null {
  return ['switched', 'verified', 'retiring', 'finished'].includes(state) ? newKey : oldKey;
}

function isStaged({ state }: RotationJson): boolean {
  return ['generated', 'proven', 'armed', 'held'].includes(state);
}

function addressOf(publicKey: KeyJson['publicKey']): string {
  return addressToText(addressFromPublicKey(publicKeyFromJson(publicKey)));
}

function controlJson(validator: string, { freeze, heightCeiling }: ValidatorControl): ControlJson {
  return {
    validator,
    isFrozen: freeze !== undefined,
    cause: freeze?.cause ?? null,
    reason: freeze?.reason ?? null,
    since: freeze === undefined ? null : new Date(freeze.atMs).toISOString(),
    raiseFloorTo: freeze?.raiseFloorTo === undefined ? null : String(freeze.raiseFloorTo),
    heightCeiling: heightCeiling === undefined ? null : String(heightCeiling),
  };
}
