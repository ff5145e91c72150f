/** What `doctor` makes of what a running signer knows. Pure. */

import type { AuditStatus } from '../audit/audit-log.ts';
import type { FollowerStatus } from '../chain/chain-follower.ts';
import type { RotationJson } from '../rotation/rotation-desk.ts';
import type { ValidatorStatus } from '../signer-status.ts';
import type { Finding } from './finding.ts';
import { tailOfAudit } from './tail-text.ts';

/** A floor this far below the chain is told of: a long stop, a jail, a restored disk (S36). */
const FAR_BELOW = 1_000n;

/** A clock this far from a block's time is wrong, or the chain stands still. */
const CLOCK_TOLERANCE_MS = 60_000;

/** One validator, with what its chain tells. */
export interface ValidatorFacts {
  readonly status: ValidatorStatus;
  readonly isFrozen: boolean;
  readonly tip: bigint | undefined;
  readonly tipTimeMs: number | undefined;
  readonly followers: readonly FollowerStatus[];
  readonly rotation: RotationJson;
}

/** What is known of the signer. */
export interface SignerFacts {
  readonly nowMs: number;
  /** The highest wall-clock time a transaction was made at. */
  readonly newestTimeMs: number;
  readonly storeFault: { readonly code: `ERR_${string}`; readonly message: string } | undefined;
  readonly validators: readonly ValidatorFacts[];
  readonly audit: AuditStatus;
}

/** The findings, in the order of the subjects. */
export function judgeSigner(facts: SignerFacts): readonly Finding[] {
  const { validators } = facts;
  return [
    clockFinding(facts),
    storeFinding(facts),
    ...validators.flatMap(keyFindings),
    ...validators.flatMap(nodeFindings),
    ...validators.flatMap(rpcFindings),
    ...validators.map(floorFinding),
    { subject: 'audit', state: 'good', text: tailOfAudit(facts.audit) },
    ...validators.map(rotationFinding),
  ];
}

function clockFinding({ nowMs, newestTimeMs, validators }: SignerFacts): Finding {
  const backMs = newestTimeMs - nowMs;
  if (backMs > CLOCK_TOLERANCE_MS) {
    return {
      subject: 'clock',
      state: 'bad',
      text: `the clock is ${seconds(backMs)} behind the newest entry of the log: it was set back`,
      remedy: 'set it right (NTP); approvals and tokens go by the highest time ever seen',
    };
  }
  const ahead = validators.flatMap(({ tipTimeMs }) =>
    tipTimeMs === undefined ? [] : [tipTimeMs - nowMs],
  );
  const worst = ahead.reduce((max, ms) => (ms > max ? ms : max), 0);
  if (worst > CLOCK_TOLERANCE_MS) {
    return {
      subject: 'clock',
      state: 'bad',
      text: `the newest block is ${seconds(worst)} ahead of this clock`,
      remedy: 'set the clock (NTP): a proposal with an old time may be refused',
    };
  }
  return { subject: 'clock', state: 'good', text: new Date(nowMs).toISOString() };
}

function storeFinding({ storeFault }: SignerFacts): Finding {
  if (storeFault === undefined) {
    return { subject: 'store', state: 'good', text: 'floors can be made durable' };
  }
  const { code, message } = storeFault;
  return {
    subject: 'store',
    state: 'bad',
    text: message,
    code,
    remedy: 'nothing is signed: look at the disk',
  };
}

function keyFindings({ status, isFrozen }: ValidatorFacts): readonly Finding[] {
  const { name: of, fault, providers } = status;
  const findings: Finding[] = [];
  if (fault !== undefined) {
    const { code, text } = fault;
    findings.push({
      subject: 'keys',
      of,
      state: 'bad',
      text,
      code: code as `ERR_${string}`,
      remedy: 'signer status shows the places of its key',
    });
  } else {
    findings.push({
      subject: 'keys',
      of,
      state: isFrozen ? 'note' : 'good',
      text: isFrozen ? 'in service, and frozen' : 'in service',
    });
  }
  for (const provider of providers) {
    if (provider.name.startsWith('file')) continue;
    const { name, state, fault: providerFault } = provider;
    findings.push({
      subject: 'devices',
      of: `${of}: ${name}`,
      state: state === 'in-service' ? 'good' : 'bad',
      text: providerFault === undefined ? state : `${state}: ${providerFault.text}`,
      ...(state === 'in-service' ? {} : { remedy: 'signer hsm status shows the device' }),
    });
  }
  return findings;
}

function nodeFindings({ status }: ValidatorFacts): readonly Finding[] {
  return status.nodes.map(({ address, state, dialect, lastError }) => ({
    subject: 'nodes',
    of: `${status.name}: ${address}`,
    state: state === 'serving' ? 'good' : state === 'connected' ? 'note' : 'bad',
    text: `${state}, ${dialect}${lastError === undefined ? '' : `; last fault: ${lastError.text}`}`,
    ...(state === 'serving' || state === 'connected'
      ? {}
      : { remedy: 'is it running, with priv_validator_laddr at this address?' }),
  }));
}

function rpcFindings({ status, followers }: ValidatorFacts): readonly Finding[] {
  if (followers.length === 0) {
    return [
      {
        subject: 'rpc',
        of: status.name,
        state: 'note',
        text: 'no RPC: rotations are armed by hand, and nothing compares floor and chain (signer nodes add ADDR --rpc URL)',
      },
    ];
  }
  return followers.map(({ source, mode, version, tip, lastError }) => ({
    subject: 'rpc',
    of: `${status.name}: ${source.url}`,
    state: mode === 'events' ? 'good' : mode === 'polling' ? 'note' : 'bad',
    text: `${mode}, ${version ?? 'version unknown'}, at ${tip ?? 'no height'}${lastError === undefined || mode === 'events' ? '' : `; ${lastError.text}`}`,
    ...(mode === 'events' || mode === 'polling'
      ? {}
      : { remedy: 'is its RPC on, and of this chain?' }),
  }));
}

function floorFinding({ status, tip }: ValidatorFacts): Finding {
  const { name: of, floor } = status;
  const at = `floor at ${floor.height}`;
  if (tip === undefined)
    return {
      subject: 'floor',
      of,
      state: 'unknown',
      text: `${at}; the chain's height is not known`,
    };
  const distance = tip - floor.height;
  if (distance > FAR_BELOW) {
    return {
      subject: 'floor',
      of,
      state: 'note',
      text: `${at}, ${distance} below the chain: a long stop, a jail, a new key; if this home was restored from a backup, raise the floor to ${tip} now (signer floor raise)`,
    };
  }
  return { subject: 'floor', of, state: 'good', text: `${at}, the chain at ${tip}` };
}

function rotationFinding({ status, rotation }: ValidatorFacts): Finding {
  const { name: of } = status;
  const { state, notes } = rotation;
  if (state !== 'held') return { subject: 'rotation', of, state: 'good', text: state };
  return {
    subject: 'rotation',
    of,
    state: 'bad',
    text: `held: ${notes.join(' ')}`,
    remedy: 'signer keys rotate status says what contradicts what; arm by hand once you know',
  };
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}
