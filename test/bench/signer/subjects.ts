/** The signers under test, each started as its users start it: ours, tmkms, CometBFT's own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import { peerBinary } from '../../interop/peers/peers.ts';
import type { NodeEnd } from './node-end.ts';

/** Which signer. */
export type SubjectName = 'privval' | 'tmkms' | 'filepv';

/** A signer process that dials the ends it was started for. */
export interface Subject extends AsyncDisposable {
  readonly name: SubjectName;
  readonly pid: number;
  /** `performance.now()` at the moment its process was spawned. */
  readonly startedAtMs: number;
  /** Resident memory of the process in MiB. */
  rssMiB(): number;
}

/** Our command, as an operator's supervisor calls it. */
const SIGNER = resolve(import.meta.dirname, '../../../node_modules/.bin/signer');
const BIN = resolve(import.meta.dirname, '../../../node_modules/.bin');

/** Starts a signer for one validator per end, each with a key of its own where the signer can (tmkms has one for all). */
export async function startSubject(
  name: SubjectName,
  directory: string,
  ends: readonly NodeEnd[],
): Promise<Subject> {
  mkdirSync(directory, { mode: 0o700, recursive: true });
  switch (name) {
    case 'privval':
      return startPrivval(directory, ends);
    case 'tmkms':
      return startTmkms(directory, ends);
    case 'filepv':
      return startFilePv(directory, ends);
  }
}

function startPrivval(directory: string, ends: readonly NodeEnd[]): Subject {
  const home = join(directory, 'home');
  const environment = { ...process.env, PATH: `${BIN}:${process.env['PATH'] ?? ''}` };
  ends.forEach((end, i) => {
    const target = ['--home', home, '--chain-id', end.chainId, '--node', end.address];
    const command =
      i === 0
        ? ['init', '--validator', `v${i}`, ...target]
        : ['validators', 'add', `v${i}`, ...target];
    execFileSync(SIGNER, command, { env: environment, stdio: 'pipe' });
  });
  return subject(
    'privval',
    spawn(SIGNER, ['serve', '--home', home], {
      env: environment,
      stdio: ['ignore', 'ignore', logFile(directory)],
    }),
  );
}

function startTmkms(directory: string, ends: readonly NodeEnd[]): Subject {
  const binary = peerBinary('tmkms');
  execFileSync(binary, ['init', join(directory, 'kms')], { stdio: 'pipe' });
  const secrets = join(directory, 'kms', 'secrets');
  execFileSync(binary, ['softsign', 'keygen', join(secrets, 'consensus.key')], { stdio: 'pipe' });
  execFileSync(binary, ['softsign', 'keygen', join(secrets, 'identity.key')], { stdio: 'pipe' });
  const chains = ends
    .map(
      (end) =>
        `[[chain]]\nid = "${end.chainId}"\nkey_format = { type = "hex" }\nstate_file = "${join(directory, `${end.chainId}.json`)}"\n`,
    )
    .join('\n');
  const validators = ends
    .map(
      (end) =>
        `[[validator]]\nchain_id = "${end.chainId}"\naddr = "${end.address}"\nsecret_key = "${join(secrets, 'identity.key')}"\nreconnect = true\n`,
    )
    .join('\n');
  const ids = ends.map((end) => `"${end.chainId}"`).join(', ');
  const providers = `[[providers.softsign]]\nchain_ids = [${ids}]\nkey_type = "consensus"\npath = "${join(secrets, 'consensus.key')}"\n`;
  const config = join(directory, 'tmkms.toml');
  writeFileSync(config, `${chains}\n${validators}\n${providers}`);
  return subject(
    'tmkms',
    spawn(binary, ['start', '-c', config], { stdio: ['ignore', 'ignore', logFile(directory)] }),
  );
}

function startFilePv(directory: string, ends: readonly NodeEnd[]): Subject {
  const flags = ends.flatMap((end) => [
    '-addr',
    end.address,
    '-chain-id',
    end.chainId,
    '-key',
    join(directory, `${end.chainId}-key.json`),
    '-state',
    join(directory, `${end.chainId}-state.json`),
  ]);
  return subject(
    'filepv',
    spawn(peerBinary('filepv-signer'), flags, { stdio: ['ignore', 'ignore', logFile(directory)] }),
  );
}

function logFile(directory: string): number {
  return openSync(join(directory, 'log'), 'w', 0o600);
}

function subject(name: SubjectName, child: ChildProcess): Subject {
  const startedAtMs = performance.now();
  const { pid } = child;
  if (pid === undefined) throw new InvariantError(`${name} could not be started`);
  const exited = new Promise<void>((done) => child.once('exit', () => done()));
  return {
    name,
    pid,
    startedAtMs,
    rssMiB() {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
