/** What the process around a PKCS#11 module costs: SoftHSM2 through it, beside SoftHSM2 alone. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Pkcs11Provider } from '@privval/hsm/pkcs11/pkcs11-provider';
import { SharedModules } from '@privval/hsm/pkcs11/shared-modules';
import { generatePkcs11Key } from '@privval/hsm/pkcs11/token-administration';
import { systemClock } from '@privval/proto/runtime/clock';
import { silentLogger } from '@privval/proto/runtime/logger';
import { type Percentiles, percentiles } from '../histogram.ts';

const MODULE = '/usr/lib/softhsm/libsofthsm2.so';
const TOKEN = 'bench';
const PIN = '123456';
const BARE_MAIN = join(import.meta.dirname, 'bare-module-main.ts');
const MESSAGE_BYTES = 115;

/** Signatures by the module alone and by way of the provider, in alternating rounds. Microseconds. */
export async function measurePkcs11(
  directory: string,
  options: { readonly rounds: number; readonly perRound: number },
): Promise<{ readonly bare: Percentiles; readonly provided: Percentiles }> {
  const environment = makeToken(directory);
  const pinFile = join(directory, 'pin');
  writeFileSync(pinFile, PIN, { mode: 0o600 });
  const deps = { clock: systemClock, logger: silentLogger };
  const where = { modulePath: MODULE, token: TOKEN, pinFile, environment };
  await generatePkcs11Key(deps, { ...where, label: 'bench' });
  const modules = new SharedModules(deps);
  await using provider = new Pkcs11Provider({ modules }, { ...where, key: { label: 'bench' } });
  await using key = await provider.openKey();
  const bare: number[] = [];
  const provided: number[] = [];
  for (let round = 0; round <= options.rounds; round++) {
    const alone = bareMicroseconds(environment, options.perRound);
    const through: number[] = [];
    for (let i = 0; i < options.perRound; i++) {
      const message = new Uint8Array(MESSAGE_BYTES);
      new DataView(message.buffer).setUint32(1, i);
      const start = performance.now();
      await key.sign(message);
      through.push((performance.now() - start) * 1000);
    }
    // The first round warms up.
    if (round === 0) continue;
    bare.push(...alone);
    provided.push(...through);
  }
  return { bare: percentiles(bare), provided: percentiles(provided) };
}

function makeToken(directory: string): { readonly SOFTHSM2_CONF: string } {
  const tokens = join(directory, 'tokens');
  mkdirSync(tokens, { mode: 0o700 });
  const configuration = join(directory, 'softhsm2.conf');
  writeFileSync(
    configuration,
    `directories.tokendir = ${tokens}\nobjectstore.backend = file\nslots.removable = false\n`,
  );
  const environment = { SOFTHSM2_CONF: configuration };
  execFileSync(
    'softhsm2-util',
    ['--init-token', '--free', '--label', TOKEN, '--so-pin', '87654321', '--pin', PIN],
    { env: { ...process.env, ...environment }, stdio: 'pipe' },
  );
  return environment;
}

function bareMicroseconds(environment: Readonly<Record<string, string>>, count: number): number[] {
  const output = execFileSync(process.execPath, [BARE_MAIN, MODULE, TOKEN, PIN, `${count}`], {
    env: { ...process.env, ...environment },
  });
  return JSON.parse(output.toString()) as number[];
}
