/** `signer hsm detect`. */
import { resolve } from 'node:path';
import { listPkcs11Tokens } from '@privval/hsm/pkcs11/token-administration';
import { detectYubiHsm } from '@privval/hsm/provisioning/yubihsm-status';
import { type CliContext, printJson, printTable, UsageError } from './context.ts';
import { DEFAULT_CONNECTOR } from './hsm-flags.ts';

/** As the command line has them. */
export interface HsmDetectFlags {
  readonly provider?: 'yubihsm' | 'pkcs11';
  readonly connector?: string;
  readonly module?: string;
  readonly json?: boolean;
}

/** Shows what is plugged in. */
export async function runHsmDetect(context: CliContext, flags: HsmDetectFlags): Promise<void> {
  const { module, provider = module === undefined ? 'yubihsm' : 'pkcs11' } = flags;
  if (provider === 'pkcs11') return detectTokens(context, flags);
  if (module !== undefined) throw new UsageError('--module goes with --provider pkcs11');
  const { connector = DEFAULT_CONNECTOR, json } = flags;
  const { connectorVersion, device } = await detectYubiHsm(context, { connector });
  const version = device?.version;
  const firmware = version && `${version.major}.${version.minor}.${version.patch}`;
  if (json === true) {
    const { serial, logUsed, logTotal, algorithms } = device ?? {};
    const found = device && { serial, firmware, logUsed, logTotal, algorithms };
    printJson(context, { connector, connectorVersion, device: found ?? null });
    return;
  }
  context.print(`connector  ${connector}, version ${connectorVersion}`);
  if (device === undefined) context.print('device     none is plugged in');
  else {
    context.print(
      `device     ${device.serial}, firmware ${firmware}, log ${device.logUsed} of ${device.logTotal} used`,
    );
  }
}

async function detectTokens(context: CliContext, flags: HsmDetectFlags): Promise<void> {
  const { module, connector, json } = flags;
  if (module === undefined) throw new UsageError('--provider pkcs11 needs --module FILE');
  if (connector !== undefined) throw new UsageError('--connector goes with --provider yubihsm');
  const tokens = await listPkcs11Tokens(context, { modulePath: resolve(module) });
  if (json === true) return printJson(context, tokens);
  if (tokens.length === 0) return context.note('the module shows no token');
  printTable(
    context,
    ['TOKEN', 'SERIAL', 'MODEL', 'MANUFACTURER', 'ED25519'],
    tokens.map((token) => [
      token.isInitialized ? token.label : '(not initialized)',
      token.serial,
      token.model,
      token.manufacturer,
      token.signsEd25519 ? 'yes' : 'no',
    ]),
  );
}
