/** How the places of a key are, as the admin API gives it. */
import type { ProviderFault, ProviderHealth, ProviderState } from '@privval/hsm/key-provider';

/** How one place of a key is. Nothing in it is secret. */
export interface ProviderHealthJson {
  readonly name: string;
  readonly state: ProviderState;
  /** Whether it is the one that is asked first. */
  readonly isActive: boolean;
  readonly fault: ProviderFault | null;
  /** ISO 8601. */
  readonly since: string;
}

/** A provider's health without what JSON does not have. */
export function providerHealthJson(health: ProviderHealth): ProviderHealthJson {
  const { name, state, isActive, fault, sinceMs } = health;
  return { name, state, isActive, fault: fault ?? null, since: new Date(sinceMs).toISOString() };
}
