/** Who may do what on a device that `signer hsm setup` has set up: the table of tmkms, bit by bit. */
import { ALL_CAPABILITIES, type Capability } from 'yubihsm/objects/capability';
import { ALL_DOMAINS } from 'yubihsm/objects/domains';

/** The roles, in the order in which they are made. */
export const ROLE_NAMES = ['admin', 'operator', 'auditor', 'validator'] as const;

/** One of {@link ROLE_NAMES}. */
export type RoleName = (typeof ROLE_NAMES)[number];

/** An authentication key: its id, and what a session opened with it may do. */
export interface Role {
  readonly authKeyId: number;
  readonly capabilities: readonly Capability[];
  /** What objects that it makes may hold at most. */
  readonly delegated: readonly Capability[];
  readonly domains: readonly number[];
  /** In a few words, for people. */
  readonly purpose: string;
}

/** The domain validator keys live in. */
export const VALIDATOR_DOMAINS: readonly number[] = [1];

/** Everything: what the factory's key has. */
export const ALL_RIGHTS: {
  readonly domains: readonly number[];
  readonly capabilities: readonly Capability[];
} = { domains: ALL_DOMAINS, capabilities: ALL_CAPABILITIES };

/** What each role is. The operator makes and backs up keys and cannot sign; the validator signs and cannot make any. */
export const ROLES: Readonly<Record<RoleName, Role>> = {
  admin: {
    authKeyId: 1,
    capabilities: ALL_CAPABILITIES,
    delegated: ALL_CAPABILITIES,
    domains: ALL_DOMAINS,
    purpose: 'everything, such as deleting keys; its password belongs in a safe',
  },
  operator: {
    authKeyId: 2,
    capabilities: [
      'generate-asymmetric-key',
      'put-asymmetric-key',
      'generate-hmac-key',
      'put-mac-key',
      'import-wrapped',
      'export-wrapped',
      'get-opaque',
      'get-option',
      'get-log-entries',
      'sign-attestation-certificate',
    ],
    delegated: ALL_CAPABILITIES,
    domains: ALL_DOMAINS,
    purpose: 'makes keys, backs them up and restores them; cannot sign',
  },
  auditor: {
    authKeyId: 3,
    capabilities: ['get-log-entries', 'get-option', 'set-option', 'get-opaque'],
    delegated: [],
    domains: ALL_DOMAINS,
    purpose: 'reads the log and changes what is logged',
  },
  validator: {
    authKeyId: 4,
    capabilities: ['sign-ecdsa', 'sign-eddsa', 'sign-attestation-certificate', 'get-log-entries'],
    delegated: [],
    domains: VALIDATOR_DOMAINS,
    purpose: 'signs, and drains the log; the one for signer serve',
  },
};

/** The key that backups are encrypted with. */
export const WRAP_KEY: {
  readonly id: number;
  readonly capabilities: readonly Capability[];
  readonly delegated: readonly Capability[];
  readonly domains: readonly number[];
} = {
  id: 1,
  capabilities: ['export-wrapped', 'import-wrapped', 'wrap-data', 'unwrap-data'],
  delegated: ALL_CAPABILITIES,
  domains: ALL_DOMAINS,
};

/** The factory's authentication key; on a device that is set up, the admin's. */
export const FACTORY_KEY_ID = 1;

/** What it is called until it is replaced. */
export const FACTORY_KEY_LABEL = 'DEFAULT AUTHKEY CHANGE THIS ASAP';

/** Authentication key that exists during setup only. */
export const TEMPORARY_KEY_ID = 0xfffe;

/** Opaque object with the report of the setup. */
export const REPORT_ID = 0xfffe;
