/** Whether a validator that changes its key misses more than one that does not. Pure. */
import type { HeightRecord, HeightUpdates } from './chain-reading.ts';

/** A key of ours, and the first height it signs. */
export interface Reign {
  /** Upper-case hex. */
  readonly address: string;
  readonly from: bigint;
}

/** What was missed of some heights, by us and by the control validator: no vote of theirs is in the commit. */
export interface Misses {
  readonly heights: number;
  readonly ours: readonly bigint[];
  readonly control: readonly bigint[];
}

/** Heights at which our signer was not running, both included. */
export interface Absence {
  readonly from: bigint;
  readonly to: bigint;
}

/** The report on a stretch of heights. */
export interface MissReport {
  /** Around each switch, from the height before it to the height after it. */
  readonly switches: readonly (Misses & { readonly activationHeight: bigint })[];
  readonly elsewhere: Misses;
  /** Sentences; none when the rule is kept. */
  readonly faults: readonly string[];
}

/** How much more than the control validator ours may miss away from a switch, as a share of these heights. */
const ALLOWANCE = 0.03;

/**
 * Looks through the heights. The rule: no miss around a switch where the control validator missed none there; elsewhere
 * at most what the control validator missed and 3 %; no signature by a key of ours outside its reign; no evidence.
 *
 * @param reigns ordered by height; the first one is in force from the start.
 * @param away heights that began while our signer was killed and not yet back: what it missed there, on a
 *   machine as slow as it may be, tells nothing of rotations.
 */
export function missReport(
  records: readonly HeightRecord[],
  reigns: readonly Reign[],
  control: string,
  away: readonly Absence[] = [],
): MissReport {
  const wasAway = (height: bigint): boolean =>
    away.some(({ from, to }) => from <= height && height <= to);
  const activations = reigns.slice(1).map(({ from }) => from);
  const isNear = (height: bigint): boolean =>
    activations.some((activation) => distance(height, activation) <= 1n);
  const misses = (among: readonly HeightRecord[]): Misses => ({
    heights: among.length,
    ours: missed(among, (height) => addressAt(reigns, height)).filter((at) => !wasAway(at)),
    control: missed(among, () => control),
  });
  const switches = activations.map((activationHeight) => ({
    activationHeight,
    ...misses(records.filter(({ height }) => distance(height, activationHeight) <= 1n)),
  }));
  const elsewhere = misses(records.filter(({ height }) => !isNear(height)));
  return {
    switches,
    elsewhere,
    faults: [
      ...records.flatMap((record) => controlFaults(record, reigns, control)),
      ...switches.flatMap(switchFaults),
      ...elsewhereFaults(elsewhere),
      ...records.flatMap((record) => keyFaults(record, reigns)),
      ...records
        .filter(({ evidence }) => evidence > 0)
        .map(({ height }) => `evidence in block ${height}`),
    ],
  };
}

/** The address whose turn it is at a height. */
export function addressAt(reigns: readonly Reign[], height: bigint): string | undefined {
  return reigns.findLast(({ from }) => from <= height)?.address ?? reigns[0]?.address;
}

function missed(
  records: readonly HeightRecord[],
  who: (height: bigint) => string | undefined,
): readonly bigint[] {
  return records
    .filter(({ height, members }) => {
      const member = members.find(({ address }) => address === who(height));
      // A vote for nil is in the commit, too late for the block: chains count it as there.
      return member === undefined || member.flag === 'absent';
    })
    .map(({ height }) => height);
}

function switchFaults(at: Misses & { readonly activationHeight: bigint }): readonly string[] {
  const { activationHeight, heights, ours, control } = at;
  const name = `around the switch at ${activationHeight}`;
  return [
    ...(heights === 3 ? [] : [`${name} only ${heights} of 3 heights were read`]),
    ...(ours.length > 0 && control.length === 0
      ? [`${name} we missed ${ours.join(', ')} and the control validator none`]
      : []),
  ];
}

function elsewhereFaults({ heights, ours, control }: Misses): readonly string[] {
  if (ours.length <= control.length + heights * ALLOWANCE) return [];
  return [
    `of ${heights} heights away from switches we missed ${ours.join(', ')} and the control validator ${control.length}`,
  ];
}

/** A control validator that is ours, or is not there, excuses everything. */
function controlFaults(
  { height, members }: HeightRecord,
  reigns: readonly Reign[],
  control: string,
): readonly string[] {
  const strange = !reigns.some(({ address }) => address === control);
  if (strange && members.some(({ address }) => address === control)) return [];
  return [`height ${height} has no control validator ${control} beside us`];
}

function keyFaults({ height, members }: HeightRecord, reigns: readonly Reign[]): readonly string[] {
  const wanted = addressAt(reigns, height);
  const ours = new Set(reigns.map(({ address }) => address));
  return members
    .filter(({ address, flag }) => ours.has(address) && address !== wanted && flag !== 'absent')
    .map(({ address }) => `height ${height} has a signature by ${address}, it was ${wanted}'s`);
}

function distance(one: bigint, other: bigint): bigint {
  return one < other ? other - one : one - other;
}

/** Where a key change landed: the block that gave the new key its power, and the one that took the old one's. */
export interface Landing {
  /** `undefined` while there is none among the heights. */
  readonly newKeyAt: bigint | undefined;
  readonly oldKeyAt: bigint | undefined;
  /** The first height that the new key signs: two after the later of the blocks. */
  readonly activationHeight: bigint | undefined;
}

/** Finds where a change from one public key to another landed, both base64. */
export function landingOf(
  records: readonly HeightUpdates[],
  oldKey: string,
  newKey: string,
): Landing {
  const at = (key: string, wanted: (power: bigint) => boolean): bigint | undefined =>
    records.findLast(({ updates }) =>
      updates.some(({ publicKey, power }) => publicKey === key && wanted(power)),
    )?.height;
  const newKeyAt = at(newKey, (power) => power > 0n);
  const oldKeyAt = at(oldKey, (power) => power === 0n);
  const both = newKeyAt !== undefined && oldKeyAt !== undefined;
  const activationHeight = both ? (newKeyAt > oldKeyAt ? newKeyAt : oldKeyAt) + 2n : undefined;
  return { newKeyAt, oldKeyAt, activationHeight };
}
