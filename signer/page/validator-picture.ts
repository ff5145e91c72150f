/** One validator as strangers may see it: no paths, no ids of nodes, no texts of errors. */
import { addressToText } from '@privval/proto/crypto/key-json';
import { addressFromPublicKey, ed25519PublicKey } from '@privval/proto/crypto/public-key';
import { reasonsOf } from '../http-public/readiness.ts';
import type { Operations } from '../operations.ts';
import type { ValidatorStatus } from '../signer-status.ts';
import { type HeightStrip, STRIP_HEIGHTS } from './height-strip.ts';
import { shownNodes, shownProvider } from './shown-names.ts';
import type { AlarmJson, ValidatorPicture } from './status-event.ts';

/** What a picture is made of. */
export interface PictureParts {
  readonly operations: Operations;
  readonly status: ValidatorStatus;
  readonly strip: HeightStrip;
  /** When an alarm of this code began, wall-clock milliseconds. */
  readonly since: (code: string) => number;
}

/** The picture as of now. */
export function validatorPicture(parts: PictureParts): ValidatorPicture {
  const { operations, status, strip } = parts;
  const { name, floor } = status;
  const view = operations.chain(name);
  const tip = view?.tip();
  const lowest = (tip ?? floor.height) - BigInt(STRIP_HEIGHTS * 2);
  const control = operations.controls.control(name);
  const rotation =
    operations.store.fault === undefined ? operations.rotations.status(name) : undefined;
  const tips = new Map(
    view
      ?.followers()
      .flatMap(({ source, tip: own }) =>
        source.kind === 'node' && own !== undefined ? [[source.node, String(own)] as const] : [],
      ),
  );
  const names = shownNodes(status.nodes.map(({ address }) => address));
  const nodes = status.nodes.map(({ address, state }, index) => ({
    name: names[index] ?? '',
    state,
    tip: tips.get(address) ?? null,
  }));
  const grpc =
    status.grpc === undefined ? [] : [{ name: 'grpc', state: status.grpc.state, tip: null }];
  return {
    name,
    chainId: status.chainId,
    address: addressToText(addressFromPublicKey(ed25519PublicKey(status.publicKey))),
    isReady: reasonsOf(operations, status).length === 0,
    floor: String(floor.height),
    tip: tip === undefined ? null : String(tip),
    control: controlWord(control),
    rotation: {
      state: rotation?.state ?? 'unknown',
      activationHeight: rotation?.activationHeight ?? null,
    },
    keys: status.providers.map((provider) => ({
      provider: shownProvider(provider.name),
      state: provider.state,
      isActive: provider.isActive,
    })),
    nodes: [...nodes, ...grpc],
    ...strip.picture(view?.attendance(lowest < 0n ? 0n : lowest) ?? []),
    alarms: alarmsOf(parts),
  };
}

function controlWord({
  freeze,
  heightCeiling,
}: ReturnType<Operations['controls']['control']>): ValidatorPicture['control'] {
  if (freeze !== undefined) return 'frozen';
  return heightCeiling === undefined ? 'signing' : 'ceiling';
}

/** Codes, and words of ours: what errors say may name files. */
function alarmsOf({ operations, status, since }: PictureParts): readonly AlarmJson[] {
  const { name } = status;
  const alarms: AlarmJson[] = [];
  const add = (code: string, text: string, atMs = since(code)): void => {
    alarms.push({ code, text, since: new Date(atMs).toISOString() });
  };
  const { freeze } = operations.controls.control(name);
  if (operations.store.fault !== undefined) {
    add('ERR_SIGN_STATE_UNAVAILABLE', 'the floor cannot be made durable: nothing is signed');
  } else if (operations.rotations.status(name).state === 'held') {
    add('rotation-held', 'the rotation is on hold: signer keys rotate status says why');
  }
  if (freeze !== undefined)
    add('ERR_FROZEN', `frozen (${freeze.cause}): nothing is signed`, freeze.atMs);
  if (status.fault !== undefined) {
    add(status.fault.code, 'the key is out of service: signer status says why');
  }
  for (const { fault, name: provider, sinceMs } of status.providers) {
    if (fault === undefined || status.fault !== undefined) continue;
    add(fault.code, `${shownProvider(provider)} is out of service`, sinceMs);
  }
  return alarms;
}
