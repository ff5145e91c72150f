/** What is plugged in, how it is set, and what an authentication key may do there. */

import type { AbortOptions } from '@privval/proto/runtime/abort';
import { deviceInfo, getStorageInfo, type StorageInfo } from 'yubihsm/commands/device-commands';
import { getObjectInfo } from 'yubihsm/commands/object-commands';
import {
  type AuditSetting,
  getCommandAudit,
  getForceAudit,
} from 'yubihsm/commands/option-commands';
import { DeviceError } from 'yubihsm/device-errors';
import type { Capability } from 'yubihsm/objects/capability';
import type { DeviceInfo } from 'yubihsm/objects/device-info';
import { runPlainCommand } from 'yubihsm/plain-command';
import type { YubiHsmClient } from 'yubihsm/yubihsm-client';
import { type RightsFacts, rightsWarnings } from '../yubihsm-provider/signing-rights.ts';
import { type DeviceKey, readDeviceKeys } from './device-key.ts';
import {
  connectDevice,
  type DeviceAccess,
  type DeviceSessionDeps,
  factoryPassword,
  tryOpenSession,
  withDevice,
} from './device-session.ts';
import { FACTORY_KEY_ID } from './roles.ts';

/** What is behind a connector. */
export interface DetectedDevice {
  readonly connector: string;
  readonly connectorVersion: string;
  /** `undefined`: nothing is plugged in. */
  readonly device: DeviceInfo | undefined;
}

/** Asks the connector, and the device without a password: nothing of it is authenticated. */
export async function detectYubiHsm(
  deps: DeviceSessionDeps,
  { connector: url, signal }: AbortOptions & { readonly connector: string },
): Promise<DetectedDevice> {
  await using connector = await connectDevice(deps, url);
  const { hasDevice, version } = await connector.status({ signal });
  return {
    connector: url,
    connectorVersion: version,
    device: hasDevice ? await runPlainCommand(connector, deviceInfo(), { signal }) : undefined,
  };
}

/** An option that this authentication key may not read is `undefined`. */
export interface YubiHsmStatus {
  readonly info: DeviceInfo;
  readonly storage: StorageInfo | undefined;
  readonly forceAudit: AuditSetting | undefined;
  /** Whether signatures are logged. */
  readonly signatureAudit: AuditSetting | undefined;
  readonly authKey: {
    readonly id: number;
    readonly label: string;
    readonly capabilities: readonly Capability[];
    readonly delegated: readonly Capability[];
    readonly domains: readonly number[];
  };
  readonly keys: readonly DeviceKey[];
  /** What an operator should know, worst first. */
  readonly warnings: readonly string[];
}

/** Looks at everything this authentication key may see. */
export async function readYubiHsmStatus(
  deps: DeviceSessionDeps,
  access: DeviceAccess & AbortOptions,
): Promise<YubiHsmStatus> {
  const { authKeyId, signal } = access;
  const hasFactoryPassword = await findFactoryPassword(deps, access);
  return withDevice(deps, access, async (client) => {
    const info = await client.run(deviceInfo(), { signal });
    const own = await client.run(getObjectInfo(authKeyId, 'authentication-key'), { signal });
    const { id, label, capabilities, delegatedCapabilities: delegated, domains } = own;
    const audit = await readAudit(client, { signal });
    const { forceAudit } = audit;
    return {
      info,
      storage: await permitted(() => client.run(getStorageInfo(), { signal })),
      ...audit,
      authKey: { id, label, capabilities, delegated, domains },
      keys: await readDeviceKeys(client, { signal }),
      warnings: warningsOf({ info, authKey: own, hasFactoryPassword, forceAudit }),
    };
  });
}

/** What is worth saying. */
function warningsOf({
  info,
  ...rights
}: RightsFacts & { readonly info: DeviceInfo }): readonly string[] {
  const { forceAudit } = rights;
  const isStopped =
    forceAudit !== undefined && forceAudit !== 'off' && info.logUsed === info.logTotal;
  return isStopped
    ? [
        'force-audit is on and the log is full: nothing is signed until it is drained',
        ...rightsWarnings(rights),
      ]
    : rightsWarnings(rights);
}

async function readAudit(
  client: YubiHsmClient,
  options: AbortOptions,
): Promise<Pick<YubiHsmStatus, 'forceAudit' | 'signatureAudit'>> {
  const commands = await permitted(() => client.run(getCommandAudit(), options));
  return {
    forceAudit: await permitted(() => client.run(getForceAudit(), options)),
    signatureAudit: commands?.find(({ name }) => name === 'SignEddsa')?.setting,
  };
}

async function findFactoryPassword(
  deps: DeviceSessionDeps,
  { connector: url, signal }: DeviceAccess & AbortOptions,
): Promise<boolean> {
  await using connector = await connectDevice(deps, url);
  const place = { ...deps, connector, signal };
  await using client = await tryOpenSession(place, FACTORY_KEY_ID, factoryPassword());
  return client !== undefined;
}

/** What the authentication key may not ask, or the firmware does not know, is left out. */
async function permitted<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof DeviceError) return undefined;
    throw error;
  }
}
