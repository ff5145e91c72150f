/** Who may do what: pure, and complete (3.1 of the sheet). */
import { DeviceFault, FAULT } from './device-fault.ts';

/** What a session may do: its authentication key's rights, as they were when it was opened. */
export interface Principal {
  readonly authKeyId: number;
  readonly domains: number;
  readonly capabilities: bigint;
  readonly delegated: bigint;
}

/** An object outside the principal's domains is absent for it. */
export function isVisible(principal: Principal, object: { readonly domains: number }): boolean {
  return (principal.domains & object.domains) !== 0;
}

/** Whether `set` holds all of `wanted`. */
export function holds(set: bigint, wanted: bigint): boolean {
  return (set & wanted) === wanted;
}

/** The capability must be on the authentication key. @throws {DeviceFault} 09 */
export function requireOfPrincipal(principal: Principal, capability: bigint): void {
  if (!holds(principal.capabilities, capability)) throw denied();
}

/** The capability must be on the key that is used. @throws {DeviceFault} 09 */
export function requireOfKey(key: { readonly capabilities: bigint }, capability: bigint): void {
  if (!holds(key.capabilities, capability)) throw denied();
}

/**
 * What is created may hold no right that its creator cannot hand on, and be in no domain that its
 * creator is not in. The delegated capabilities of a new key count like its capabilities: whoever
 * creates a key would otherwise reach beyond its own.
 *
 * @throws {DeviceFault} 09; 02 for an object in no domain.
 */
export function requireMayCreate(
  principal: Principal,
  object: {
    readonly domains: number;
    readonly capabilities: bigint;
    readonly delegated: bigint;
  },
): void {
  if (object.domains === 0) throw new DeviceFault(FAULT.invalidData);
  const isInside = (object.domains & ~principal.domains) === 0;
  const isDelegated = holds(principal.delegated, object.capabilities | object.delegated);
  if (!isInside || !isDelegated) throw denied();
}

function denied(): DeviceFault {
  return new DeviceFault(FAULT.insufficientPermissions);
}
