/** `signer doctor`: looks at everything that can keep a signer from signing. Works without the daemon too. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { readKeyFile } from '@privval/hsm/file/open-key-file';
import { equalBytes } from '@privval/proto/runtime/bytes';
import { CodedError, errorCode } from '@privval/proto/runtime/coded-error';
import { readConfig } from '../config/config.ts';
import { DOCTOR_SUBJECTS, type Finding } from '../doctor/finding.ts';
import {
  badOf,
  lookAtConfig,
  lookAtDisk,
  lookAtMemory,
  lookAtPermissions,
} from '../doctor/look-at-machine.ts';
import { openHomeStore } from '../home/open-home-store.ts';
import { providerName } from '../keyring/provider-options.ts';
import type { CliContext, HomeFlags } from './context.ts';
import { printJson, printTable } from './context.ts';
import { Daemon } from './daemon.ts';

/** The daemon asks nodes and devices nothing: what it knows comes at once. */
const TIMEOUT_MS = 10_000;

/** Something is not as it has to be. */
export class UnhealthyError extends CodedError {
  override readonly name = 'UnhealthyError';
  readonly code = 'ERR_DOCTOR_FOUND';

  constructor(bad: number) {
    super(
      `${bad} ${bad === 1 ? 'thing is' : 'things are'} not as they have to be: each row says what to do`,
    );
  }
}

/** Looks, prints, and fails when something is bad. */
export async function runDoctor(context: CliContext, flags: HomeFlags): Promise<void> {
  const home = resolve(flags.home);
  const findings = [
    lookAtConfig(home),
    ...lookAtPermissions(home),
    lookAtDisk(home, context.clock),
    ...(await insideFindings(context, flags, home)),
  ].toSorted((a, b) => DOCTOR_SUBJECTS.indexOf(a.subject) - DOCTOR_SUBJECTS.indexOf(b.subject));
  if (flags.json === true) printJson(context, findings);
  else {
    printTable(
      context,
      ['', 'WHAT', 'OF', 'FOUND'],
      findings.map(({ state, subject, of, text, remedy }) => [
        state.toUpperCase(),
        subject,
        of ?? '-',
        remedy === undefined ? text : `${text}. ${remedy}`,
      ]),
    );
  }
  const bad = findings.filter(({ state }) => state === 'bad').length;
  if (bad > 0) throw new UnhealthyError(bad);
}

/** From the running signer; from the home itself when nobody serves it. */
async function insideFindings(
  context: CliContext,
  flags: HomeFlags,
  home: string,
): Promise<readonly Finding[]> {
  try {
    const daemon = new Daemon(context, flags);
    return await daemon.call<readonly Finding[]>('doctor', { timeoutMs: TIMEOUT_MS });
  } catch (error) {
    if (errorCode(error) !== 'ERR_ADMIN_UNREACHABLE') {
      return [badOf('store', error, 'the signer answers, and not with what it knows')];
    }
  }
  const notServed: Finding = {
    subject: 'nodes',
    state: 'note',
    text: 'the home is not being served: nodes, RPCs and devices were not looked at',
  };
  const memory = lookAtMemory({
    status: procFile('status'),
    limits: procFile('limits'),
  });
  return [memory, notServed, ...(await homeFindings(context, home))];
}

async function homeFindings(context: CliContext, home: string): Promise<readonly Finding[]> {
  try {
    await using opened = await openHomeStore(context, { home, command: 'signer doctor' });
    const { store } = opened;
    const floors = store.validators().map(
      ({ name }): Finding => ({
        subject: 'floor',
        of: name,
        state: 'unknown',
        text: `floor at ${store.floor(name).height}; the chain's height is not known`,
      }),
    );
    const keys: Finding[] = [];
    for (const record of store.validators()) {
      const configured = readConfig(home).validators.find(({ name }) => name === record.name);
      for (const place of configured?.providers ?? []) {
        if (place.kind !== 'file') {
          keys.push({
            subject: 'devices',
            of: providerName(place),
            state: 'unknown',
            text: 'not looked at while nobody serves: signer hsm test',
          });
          continue;
        }
        keys.push(await keyFileFinding(record, place));
      }
    }
    return [
      { subject: 'store', state: 'good', text: 'the floor is whole and can be written' },
      ...floors,
      ...keys,
    ];
  } catch (error) {
    return [badOf('store', error, 'as the text says')];
  }
}

async function keyFileFinding(
  record: { readonly name: string; readonly publicKey: Uint8Array },
  place: { readonly keyFile: string; readonly passphraseFile?: string | undefined },
): Promise<Finding> {
  const of = record.name;
  try {
    const { secret } = await readKeyFile(place.keyFile, { passphraseFile: place.passphraseFile });
    using key = secret;
    if (equalBytes(key.publicKey.bytes, record.publicKey)) {
      return {
        subject: 'keys',
        of,
        state: 'good',
        text: 'its key file opens, and is the key its floor is bound to',
      };
    }
    return {
      subject: 'keys',
      of,
      state: 'bad',
      text: 'its key file holds another key',
      remedy: 'put the right file back (signer keys import)',
    };
  } catch (error) {
    return { ...badOf('keys', error, 'as the text says'), of };
  }
}

function procFile(name: string): string {
  try {
    return readFileSync(`/proc/self/${name}`, 'utf8');
  } catch {
    return '';
  }
}
