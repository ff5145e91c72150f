/** `signer hsm status`. */
import { listPkcs11Keys, listPkcs11Tokens } from '@privval/hsm/pkcs11/token-administration';
import { readYubiHsmStatus, type YubiHsmStatus } from '@privval/hsm/provisioning/yubihsm-status';
import { type CliContext, printJson } from './context.ts';
import { accessFromFlags, type HsmFlags, type TokenAccess } from './hsm-flags.ts';
import { deviceKeyJson, printDeviceKeys, printTokenKeys } from './hsm-key-rows.ts';

/** Shows a device, and what is wrong with it for a validator. */
export async function runHsmStatus(context: CliContext, flags: HsmFlags): Promise<void> {
  const access = accessFromFlags(flags);
  if (access.kind === 'pkcs11') return tokenStatus(context, access.pkcs11, flags);
  const status = await readYubiHsmStatus(context, access.yubihsm);
  if (flags.json === true) printJson(context, statusJson(status));
  else printStatus(context, status);
}

function statusJson(status: YubiHsmStatus): unknown {
  const { info, storage, forceAudit, signatureAudit, authKey, keys, warnings } = status;
  const { serial, logTotal, logUsed } = info;
  return {
    serial,
    firmware: firmwareOf(status),
    log: { used: logUsed, total: logTotal },
    storage: storage ?? null,
    forceAudit: forceAudit ?? null,
    signatureAudit: signatureAudit ?? null,
    authKey,
    keys: keys.map(deviceKeyJson),
    warnings,
  };
}

function printStatus(context: CliContext, status: YubiHsmStatus): void {
  const { info, storage, forceAudit, signatureAudit, authKey, keys, warnings } = status;
  const unknown = '(this authentication key may not ask)';
  context.print(`device       ${info.serial}, firmware ${firmwareOf(status)}`);
  context.print(`log          ${info.logUsed} of ${info.logTotal} used`);
  context.print(`force-audit  ${forceAudit ?? unknown}`);
  context.print(
    `signatures   ${signatureAudit === undefined ? unknown : `logged: ${signatureAudit}`}`,
  );
  if (storage !== undefined) {
    context.print(`storage      ${storage.freeRecords} of ${storage.totalRecords} objects free`);
  }
  const { id, label, capabilities } = authKey;
  const rights =
    capabilities.length > 12 ? `${capabilities.length} rights` : capabilities.join(', ');
  context.print(`auth key     ${id} ${JSON.stringify(label)}: ${rights}\n`);
  printDeviceKeys(context, keys);
  for (const warning of warnings) context.note(`warning: ${warning}`);
}

async function tokenStatus(
  context: CliContext,
  access: TokenAccess,
  { json }: HsmFlags,
): Promise<void> {
  const tokens = await listPkcs11Tokens(context, access);
  const keys = await listPkcs11Keys(context, access);
  const token = tokens.find(({ label, isInitialized }) => isInitialized && label === access.token);
  if (json === true) return printJson(context, { token: token ?? null, keys });
  if (token !== undefined) {
    context.print(`token    ${token.label}, serial ${token.serial}`);
    context.print(`device   ${token.model}, ${token.manufacturer}`);
    context.print(
      `ed25519  ${token.signsEd25519 ? 'yes' : 'no: it cannot hold a validator key'}\n`,
    );
  }
  printTokenKeys(context, keys);
}

function firmwareOf({ info }: YubiHsmStatus): string {
  const { major, minor, patch } = info.version;
  return `${major}.${minor}.${patch}`;
}
