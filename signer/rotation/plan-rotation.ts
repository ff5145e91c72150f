/** What is looked at before a new key is made. Pure: facts in, items out. */
import { equalBytes } from '@privval/proto/runtime/bytes';
import type { FollowerStatus } from '../chain/chain-follower.ts';
import type { EvidenceParams, NodeStatus, SetMember } from '../chain/node-rpc.ts';
import { isOpen, type Rotation } from './rotation.ts';
import type { PlanItem } from './rotation-desk.ts';

/** The facts. */
export interface PlanFacts {
  readonly newest: Rotation | undefined;
  /** The key that signs now. */
  readonly currentKey: Uint8Array;
  readonly isKeyInService: boolean;
  readonly isKeyInFile: boolean;
  /** Empty where no RPC is configured. */
  readonly followers: readonly FollowerStatus[];
  readonly status: NodeStatus | undefined;
  /** Of the next height; `undefined` when nobody tells. */
  readonly set: readonly SetMember[] | undefined;
  readonly params: EvidenceParams | undefined;
  readonly isFrozen: boolean;
}

/** Red ones keep `generate` from beginning. */
export function planRotation(facts: PlanFacts): readonly PlanItem[] {
  return [
    rotationItem(facts),
    keyItem(facts),
    freezeItem(facts),
    ...chainItems(facts),
    ...sdkItems(),
    backupItem(facts),
  ];
}

function rotationItem({ newest }: PlanFacts): PlanItem {
  if (newest === undefined || !isOpen(newest.state)) {
    return { id: 'no-open-rotation', state: 'green', text: 'no rotation is under way' };
  }
  return {
    id: 'no-open-rotation',
    state: 'red',
    text: `a rotation is ${newest.state}`,
    remedy: 'finish its steps, or signer keys rotate abort',
  };
}

function keyItem({ isKeyInService }: PlanFacts): PlanItem {
  if (isKeyInService) {
    return { id: 'key-in-service', state: 'green', text: 'the key that signs now is in service' };
  }
  return {
    id: 'key-in-service',
    state: 'red',
    text: 'the key that signs now is not in service',
    remedy: 'signer status says why: put it in order first',
  };
}

function freezeItem({ isFrozen }: PlanFacts): PlanItem {
  if (!isFrozen) return { id: 'not-frozen', state: 'green', text: 'the validator is not frozen' };
  return {
    id: 'not-frozen',
    state: 'red',
    text: 'the validator is frozen',
    remedy: 'find out why, then signer unfreeze',
  };
}

function chainItems(facts: PlanFacts): readonly PlanItem[] {
  const { followers } = facts;
  if (followers.length === 0) {
    const text = 'no RPC is configured: the switch has to be armed by hand';
    return [
      {
        id: 'node-reachable',
        state: 'unknown',
        text,
        remedy: 'signer nodes add ADDR --rpc URL, or arm --at-height when the time comes',
      },
    ];
  }
  return [
    ...followers.map(reachableItem),
    caughtUpItem(facts),
    inSetItem(facts),
    keyTypesItem(facts),
    evidenceItem(facts),
  ];
}

function reachableItem({ source, mode, version, lastError }: FollowerStatus): PlanItem {
  const id = 'node-reachable';
  const who = source.kind === 'node' ? `the RPC of ${source.node}` : `the witness ${source.url}`;
  if (mode === 'events') return { id, state: 'green', text: `${who} tells of blocks (${version})` };
  if (mode === 'polling') {
    return {
      id,
      state: 'unknown',
      text: `${who} is only polled: a switch may come a block late`,
      remedy: 'let the signer reach its WebSocket',
    };
  }
  const why = lastError === undefined ? '' : `: ${lastError.text}`;
  return {
    id,
    // A witness may be gone without harm: one source arms.
    state: source.kind === 'node' ? 'red' : 'unknown',
    text: `${who} ${mode === 'refused' ? 'is of another chain' : 'does not answer'}${why}`,
    remedy: 'start it, or correct its URL: signer nodes list',
  };
}

/** A node that was just started says for some seconds that it catches up, with nothing left to catch. */
const FAR_BEHIND = 10n;

function caughtUpItem({ status, followers }: PlanFacts): PlanItem {
  const id = 'caught-up';
  if (status === undefined) return { id, state: 'unknown', text: 'no node tells its height' };
  if (!status.isCatchingUp) {
    return { id, state: 'green', text: `the node is at height ${status.latestHeight}` };
  }
  const newest = followers.reduce((max, { tip = 0n }) => (tip > max ? tip : max), 0n);
  return {
    id,
    state: newest - status.latestHeight > FAR_BEHIND ? 'red' : 'unknown',
    text: `the node is catching up, at height ${status.latestHeight}`,
    remedy: 'wait until it is at the tip',
  };
}

function inSetItem({ set, currentKey }: PlanFacts): PlanItem {
  const id = 'in-set';
  if (set === undefined) return { id, state: 'unknown', text: 'no node tells the validator set' };
  const member = memberOf(set, currentKey);
  if (member !== undefined) {
    return { id, state: 'green', text: `the key is in the set, with power ${member.power}` };
  }
  return {
    id,
    state: 'red',
    text: 'the key that signs now is not in the validator set: jailed, unbonded, or not yet bonded',
    remedy: 'bring the validator into the set first: most chains refuse to rotate one that is not',
  };
}

/** The validator with this key. */
export function memberOf(set: readonly SetMember[], key: Uint8Array): SetMember | undefined {
  return set.find(
    ({ publicKey, power }) => publicKey !== undefined && power > 0n && equalBytes(publicKey, key),
  );
}

function keyTypesItem({ params }: PlanFacts): PlanItem {
  const id = 'key-types';
  if (params === undefined) return { id, state: 'unknown', text: 'no node tells the parameters' };
  if (params.keyTypes.includes('ed25519')) {
    return { id, state: 'green', text: 'the chain takes Ed25519 keys' };
  }
  return {
    id,
    state: 'red',
    text: `the chain takes ${params.keyTypes.join(', ')} keys only`,
    remedy: 'this signer makes Ed25519 keys: rotate elsewhere',
  };
}

function evidenceItem({ params }: PlanFacts): PlanItem {
  const id = 'evidence-window';
  if (params === undefined) return { id, state: 'unknown', text: 'no node tells the parameters' };
  const hours = Math.round(params.maxAgeMs / 3_600_000);
  return {
    id,
    state: 'green',
    text: `the old key stays for ${params.maxAgeBlocks} blocks and ${hours} h after the switch`,
  };
}

/** This signer cannot see an application's state. */
function sdkItems(): readonly PlanItem[] {
  const remedy = 'on a Cosmos SDK chain look it up before the transaction is sent';
  return [
    {
      id: 'fee',
      state: 'not-applicable',
      text: 'SDK chains burn a fee (key_rotation_fee) of the operator account',
      remedy,
    },
    {
      id: 'unbonding',
      state: 'not-applicable',
      text: 'SDK chains take one rotation in an unbonding period, and none back',
      remedy,
    },
    {
      id: 'not-jailed',
      state: 'not-applicable',
      text: 'SDK chains refuse a jailed validator',
      remedy,
    },
  ];
}

function backupItem({ isKeyInFile }: PlanFacts): PlanItem {
  return {
    id: 'backup',
    state: 'unknown',
    text: isKeyInFile
      ? 'the new key will be in a file of this home'
      : 'the new key will be in the device',
    remedy: 'back it up before the transaction is sent',
  };
}
