/** What `keys rotate status` prints of a validator's rotations. Pure. */
import { type PublicKeyJson, publicKeyToJson } from '@privval/proto/crypto/key-json';
import { ed25519PublicKey } from '@privval/proto/crypto/public-key';
import type { Rotation } from './rotation.ts';
import type { RotationJson } from './rotation-desk.ts';

/** What is known beside the rows. */
export interface RotationSight {
  readonly validator: string;
  readonly floorHeight: bigint;
  /** Whether an RPC tells of the chain. */
  readonly hasChain: boolean;
  /** Whether the newest rotation's new key could sign now. */
  readonly isNewKeyInService: boolean;
}

/** The newest rotation, and every key that is retiring. */
export function rotationJson(rotations: readonly Rotation[], sight: RotationSight): RotationJson {
  const newest = rotations.at(-1);
  const retiring = rotations
    .filter(({ state }) => state === 'verified' || state === 'retiring')
    .map(({ oldKey, retiresAfter }) => ({
      publicKey: jsonOf(oldKey),
      untilHeight: retiresAfter === undefined ? null : String(retiresAfter.height),
      untilTime: retiresAfter === undefined ? null : new Date(retiresAfter.timeMs).toISOString(),
    }));
  const { validator } = sight;
  if (newest === undefined) {
    return {
      validator,
      state: 'none',
      oldKey: null,
      newKey: null,
      activationHeight: null,
      armedBy: null,
      missedHeights: [],
      notes: [],
      retiring,
    };
  }
  const at = newest.activationHeight;
  return {
    validator,
    state: newest.state,
    oldKey: jsonOf(newest.oldKey),
    newKey: jsonOf(newest.newKey),
    activationHeight: at === undefined ? null : String(at),
    armedBy: newest.armedBy ?? null,
    missedHeights: newest.missedAt.map(String),
    notes: [...stateNotes(newest, sight), ...warnings(newest, rotations, sight)],
    retiring,
  };
}

function stateNotes(rotation: Rotation, { hasChain }: RotationSight): readonly string[] {
  const { state, activationHeight: at, contradiction, strangerAt, retiresAfter } = rotation;
  switch (state) {
    case 'generated':
      return ['next: signer keys rotate prove'];
    case 'proven':
      return [
        'next: signer keys rotate tx, and send what it prints',
        ...(hasChain ? [] : ['no RPC tells of the chain: arm it by hand with arm --at-height']),
      ];
    case 'held':
      if (contradiction !== undefined) {
        const told = Object.entries(contradiction.told).map(([by, what]) => `${by}: ${what}`);
        return [
          `sources tell different things of block ${contradiction.height}: ${told.join('; ')}`,
          'the old key signs; the next header settles it, or arm --at-height',
        ];
      }
      return [
        `block ${strangerAt} took the old key's power and gave some to a key that is none of this validator's`,
        'if the transaction named a wrong key: send the right one, or arm --at-height',
      ];
    case 'armed':
      return [`the new key signs from height ${at} on`];
    case 'switched':
      return ['the new key signs; it is verified once it was seen at work at three heights'];
    case 'verified':
      return hasChain
        ? ['the end of the evidence window is being looked up']
        : ['no RPC tells the evidence window: finish needs --window-over'];
    case 'retiring':
      return [
        `signer keys rotate finish destroys the old key, after height ${retiresAfter?.height} and ${new Date(retiresAfter?.timeMs ?? 0).toISOString()}`,
      ];
    case 'finished':
      return [];
    case 'aborted':
      return ['its key stays: should the chain take it all the same, it is armed'];
  }
}

function warnings(
  newest: Rotation,
  rotations: readonly Rotation[],
  { hasChain, isNewKeyInService, floorHeight }: RotationSight,
): readonly string[] {
  const { state, activationHeight: at } = newest;
  const notes: string[] = [];
  if (newest.isRemovalPrinted && newest.oldKeyOut === undefined && at === undefined) {
    notes.push(
      'the removal of the old key was printed: send it once, a second one stops the chain',
    );
  }
  if ((state === 'armed' || state === 'switched') && !isNewKeyInService) {
    notes.push('the new key is not in service');
  }
  if (state === 'armed' && !hasChain && !newest.isPassed && at !== undefined && floorHeight < at) {
    notes.push(
      `if height ${at} has passed while this signer was down: arm --at-height ${at} --passed`,
    );
  }
  for (const { state: other, newKey, activationHeight } of rotations.slice(0, -1)) {
    if (other === 'armed') {
      const { value } = jsonOf(newKey);
      notes.push(
        `an earlier rotation is armed: key ${value} signs from height ${activationHeight}`,
      );
    }
  }
  return notes;
}

function jsonOf(key: Uint8Array): PublicKeyJson {
  return publicKeyToJson(ed25519PublicKey(key));
}
