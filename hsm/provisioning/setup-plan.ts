/** What setting a device up consists of, in which order. Pure: no device, no secret, no clock. */
import type { Capability } from 'yubihsm/objects/capability';
import { ALL_DOMAINS } from 'yubihsm/objects/domains';
import type { ObjectParams } from 'yubihsm/objects/object-params';
import {
  ALL_RIGHTS,
  REPORT_ID,
  ROLE_NAMES,
  ROLES,
  type RoleName,
  TEMPORARY_KEY_ID,
  WRAP_KEY,
} from './roles.ts';

/** Label of the report on the device. */
export const REPORT_LABEL = 'privval setup report';

/** One command that changes the device. */
export type SetupStep =
  | {
      readonly kind: 'put-temporary-key';
      readonly params: ObjectParams;
      readonly delegated: readonly Capability[];
    }
  | { readonly kind: 'delete-factory-key' }
  | {
      readonly kind: 'put-role';
      readonly role: RoleName;
      readonly params: ObjectParams;
      readonly delegated: readonly Capability[];
    }
  | {
      readonly kind: 'put-wrap-key';
      readonly params: ObjectParams;
      readonly delegated: readonly Capability[];
    }
  | { readonly kind: 'put-report'; readonly params: ObjectParams; readonly report: SetupReport }
  | { readonly kind: 'delete-temporary-key' };

/** Kept on the device, readable by all roles but the validator's: who set it up, and when. */
export interface SetupReport {
  readonly version: 1;
  readonly uuid: string;
  readonly device_serial_number: string;
  readonly hostname: string;
  readonly username: string;
  /** RFC 3339. */
  readonly date: string;
  readonly software: string;
}

/**
 * The steps, from a device with nothing but the factory's key to one with four roles and a wrap key.
 *
 * The order is the safety argument: the factory's key, whose password everybody knows, is gone
 * before the first key that guards something is made, and until the last role is there a temporary
 * key, whose password follows from the phrase, opens the device.
 */
export function planSetup(report: SetupReport): readonly SetupStep[] {
  const authentication = { algorithm: 'aes128-yubico-authentication' } as const;
  return [
    {
      kind: 'put-temporary-key',
      params: {
        ...authentication,
        ...ALL_RIGHTS,
        id: TEMPORARY_KEY_ID,
        label: labelOf('temporary', report.date),
      },
      delegated: ALL_RIGHTS.capabilities,
    },
    { kind: 'delete-factory-key' },
    ...ROLE_NAMES.map((role): SetupStep => {
      const { authKeyId, capabilities, delegated, domains } = ROLES[role];
      const label = labelOf(role, report.date);
      return {
        kind: 'put-role',
        role,
        params: { ...authentication, id: authKeyId, label, domains, capabilities },
        delegated,
      };
    }),
    {
      kind: 'put-wrap-key',
      params: {
        algorithm: 'aes256-ccm-wrap',
        id: WRAP_KEY.id,
        label: labelOf('primary', report.date),
        domains: WRAP_KEY.domains,
        capabilities: WRAP_KEY.capabilities,
      },
      delegated: WRAP_KEY.delegated,
    },
    {
      kind: 'put-report',
      params: {
        algorithm: 'opaque-data',
        id: REPORT_ID,
        label: REPORT_LABEL,
        domains: ALL_DOMAINS,
        capabilities: ['get-opaque'],
      },
      report,
    },
    { kind: 'delete-temporary-key' },
  ];
}

/** For people: what a step does. */
export function describeStep(step: SetupStep): string {
  switch (step.kind) {
    case 'put-temporary-key':
      return 'put a temporary authentication key 0xfffe';
    case 'delete-factory-key':
      return "delete the factory's authentication key 1";
    case 'put-role':
      return `put authentication key ${step.params.id}, ${step.role}`;
    case 'put-wrap-key':
      return `put wrap key ${step.params.id}`;
    case 'put-report':
      return 'put the report of the setup';
    case 'delete-temporary-key':
      return 'delete the temporary authentication key 0xfffe';
  }
}

/** As tmkms labels them: `admin:2019-03-05T20:31:07Z`. At most 31 bytes. */
function labelOf(name: string, date: string): string {
  return `${name}:${date}`;
}
