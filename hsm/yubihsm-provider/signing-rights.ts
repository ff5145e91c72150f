/**
 * Whether a YubiHSM's objects allow what a running signer does, and no more than that (S26). Pure:
 * facts in, verdicts out.
 *
 * @module
 */
import { CodedError } from '@privval/proto/runtime/coded-error';
import type { AuditSetting } from 'yubihsm/commands/option-commands';
import type { Capability } from 'yubihsm/objects/capability';
import { formatObjectId } from 'yubihsm/objects/object-id';
import type { ObjectInfo } from 'yubihsm/objects/object-info';

/** What the validator's role holds (hsm.md 4.1): to sign, to drain the log, to attest keys. */
const NEEDED_TO_SERVE: readonly Capability[] = [
  'sign-eddsa',
  'sign-ecdsa',
  'get-log-entries',
  'sign-attestation-certificate',
];

/** The session's authentication key does not allow signing, whatever the signing key allows. */
export class AuthKeyUnsuitableError extends CodedError {
  override readonly name = 'AuthKeyUnsuitableError';
  readonly code = 'ERR_DEVICE_AUTH_KEY_UNSUITABLE';
  readonly authKeyId: number;
  readonly missing: Capability;

  constructor(authKeyId: number, missing: Capability) {
    super(
      `authentication key ${formatObjectId(authKeyId)} lacks ${missing}: name the one of the validator role, or give it that capability`,
    );
    this.authKeyId = authKeyId;
    this.missing = missing;
  }
}

/** What is known of the session's own rights, and of how the device is set. */
export interface RightsFacts {
  readonly authKey: ObjectInfo;
  /** Whether the factory's password still opens authentication key 1. `undefined`: not known. */
  readonly hasFactoryPassword: boolean | undefined;
  /** `undefined` where the authentication key may not ask, or has no need to. */
  readonly forceAudit: AuditSetting | undefined;
}

/** @throws {AuthKeyUnsuitableError} ERR_DEVICE_AUTH_KEY_UNSUITABLE */
export function assertMaySign({ id, capabilities }: ObjectInfo): void {
  if (!capabilities.includes('sign-eddsa')) throw new AuthKeyUnsuitableError(id, 'sign-eddsa');
}

/** What an operator should change, a sentence each. None of it keeps the signer from serving. */
export function rightsWarnings(facts: RightsFacts): readonly string[] {
  const { authKey, hasFactoryPassword, forceAudit } = facts;
  const id = formatObjectId(authKey.id);
  const warnings: string[] = [];
  const excess = authKey.capabilities.filter((held) => !NEEDED_TO_SERVE.includes(held));
  if (excess.length > 0) {
    warnings.push(
      `authentication key ${id} holds more than serving needs (${listed(excess)}): whoever has this host has all of it; make one of the validator role with signer hsm setup`,
    );
  }
  if (hasFactoryPassword === true) {
    warnings.push(
      'authentication key 1 still has the password of the factory: anybody who reaches the connector may do everything; change it, or set the device up with signer hsm setup',
    );
  }
  const stopsWhenFull = forceAudit === 'on' || forceAudit === 'fixed';
  if (stopsWhenFull && !mayDrain(authKey)) {
    warnings.push(
      `force-audit is on and authentication key ${id} lacks get-log-entries: the device will stop signing when the 62 places of its log are taken; give the key that capability, or turn force-audit off`,
    );
  }
  return warnings;
}

/** Whether the session may read the device's log and free its places. */
export function mayDrain({ capabilities }: ObjectInfo): boolean {
  return capabilities.includes('get-log-entries');
}

/** The first few, and how many more. */
function listed(capabilities: readonly Capability[]): string {
  const shown = capabilities.slice(0, 6).join(', ');
  const rest = capabilities.length - 6;
  return rest > 0 ? `${shown} and ${rest} more` : shown;
}
