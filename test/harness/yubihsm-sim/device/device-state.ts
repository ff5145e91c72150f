/** All that a device keeps, in memory: what a factory reset makes new, and what it does not. */
import { bytesFromHex } from '@privval/proto/runtime/bytes';
import { type EcKey, generateEcKey } from '../crypto/ec-key.ts';
import { ALGORITHM, CURVES } from './algorithm.ts';
import { AuditLog } from './audit-log.ts';
import { ALL_CAPABILITIES } from './capability.ts';
import type { Firmware } from './firmware.ts';
import { ObjectStore } from './object-store.ts';
import { OBJECT_TYPE } from './object-type.ts';
import { DeviceOptions } from './options.ts';
import { LABEL_BYTES, ORIGIN } from './stored-object.ts';

/** Bytes from a generator: `randomBytes` of Node, or a seeded one in tests. */
export type RandomBytes = (count: number) => Uint8Array;

/** What a device is from the factory. */
export interface DeviceIdentity {
  readonly firmware: Firmware;
  /** Below 2³². */
  readonly serial: number;
  /** The key pair of asymmetric authentication. It survives a reset (the real device's: not known). */
  readonly staticKey: EcKey;
  /** What signs attestations when no other key is named. */
  readonly attestationKey: EcKey;
}

/** A device's memory. */
export interface DeviceState {
  readonly identity: DeviceIdentity;
  readonly random: RandomBytes;
  readonly store: ObjectStore;
  readonly log: AuditLog;
  readonly options: DeviceOptions;
}

/** Id, label and password-derived keys of the one key that is there at first: `password`. */
export const FACTORY_KEY_ID = 1;
const FACTORY_LABEL = 'DEFAULT AUTHKEY CHANGE THIS ASAP';
const FACTORY_ENC_KEY = '090b47dbed595654901dee1cc655e420';
const FACTORY_MAC_KEY = '592fd483f759e29909a04c4505d2ce0a';

/** The curve of the device's own keys. */
const P256 = CURVES.get(ALGORITHM.ecp256);

/** A device that nobody has used. */
export function makeIdentity(
  deps: { readonly random: RandomBytes },
  options: { readonly firmware: Firmware; readonly serial: number },
): DeviceIdentity {
  if (P256 === undefined) throw new RangeError('no P-256');
  return {
    ...options,
    staticKey: generateEcKey(P256, deps.random),
    attestationKey: generateEcKey(P256, deps.random),
  };
}

/** The memory after a factory reset: one authentication key, and a log that says so. */
export function factoryState(
  deps: { readonly random: RandomBytes },
  identity: DeviceIdentity,
): DeviceState {
  const store = new ObjectStore(deps);
  store.add({
    type: OBJECT_TYPE.authenticationKey,
    id: FACTORY_KEY_ID,
    label: paddedLabel(FACTORY_LABEL),
    domains: 0xffff,
    capabilities: ALL_CAPABILITIES,
    delegated: ALL_CAPABILITIES,
    algorithm: ALGORITHM.aes128YubicoAuthentication,
    origin: ORIGIN.imported,
    material: {
      kind: 'auth-symmetric',
      encKey: bytesFromHex(FACTORY_ENC_KEY),
      macKey: bytesFromHex(FACTORY_MAC_KEY),
    },
  });
  const log = new AuditLog(deps.random(16));
  log.addReset();
  const options = new DeviceOptions(identity.firmware);
  return { identity, random: deps.random, store, log, options };
}

/** ASCII text, zero-padded to 40 bytes. */
function paddedLabel(text: string): Uint8Array {
  const label = new Uint8Array(LABEL_BYTES);
  label.set(new TextEncoder().encode(text));
  return label;
}
