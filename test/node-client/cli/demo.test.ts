/** The demo as a user runs it: real processes, real signer. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { afterEach, expect, test } from 'vitest';
import { ScratchFolder } from '../../harness/scratch-folder.ts';

const DEMO = resolve(import.meta.dirname, '../../../node-client/cli/demo.ts');

/** A demo with its temporary folders in a folder of the test's. */
class DemoRun implements AsyncDisposable {
  readonly folder: ScratchFolder = new ScratchFolder();
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  stdout = '';
  stderr = '';
  readonly exitCode: Promise<number | null>;
  #said = Promise.withResolvers<void>();

  constructor(...args: readonly string[]) {
    this.child = spawn(process.execPath, [DEMO, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: this.folder.path, XDG_CACHE_HOME: this.folder.join('cache') },
    });
    this.child.stdout.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
      this.#said.resolve();
    });
    this.child.stderr.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    this.exitCode = new Promise((done) => this.child.once('close', (code) => done(code)));
  }

  /** Waits until it has printed this. */
  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.stdout)) {
      await Promise.race([this.#said.promise, this.exitCode]);
      if (this.child.exitCode !== null && !pattern.test(this.stdout)) {
        throw new Error(`it ended without saying ${pattern}: ${this.stdout}${this.stderr}`);
      }
      this.#said = Promise.withResolvers();
    }
  }

  /** The process ids of the signers it has started and not waited for. */
  signers(): readonly number[] {
    const { pid } = this.child;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return children
      .split(' ')
      .filter((text) => text !== '')
      .map(Number)
      .filter((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('\0serve\0'));
  }

  /** What it has left behind. */
  leftovers(): readonly string[] {
    return readdirSync(this.folder.path).filter((name) => name.startsWith('privval-demo-'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGTERM');
    await this.exitCode;
    this.folder[Symbol.dispose]();
  }
}

let run: DemoRun | undefined;
afterEach(async () => {
  await run?.[Symbol.asyncDispose]();
  run = undefined;
});

test('it ends by itself after the heights asked for, and leaves nothing behind', async () => {
  run = new DemoRun('--heights', '12', '--interval-ms', '0');
  expect(await run.exitCode, run.stderr).toBe(0);
  expect(run.stdout).toContain('Signed 36 messages at 12 heights; refused 2 of 2 second blocks.');
  expect(run.stdout).toContain('floor 12/0/precommit');
  expect(run.stdout).toContain('npx signer init');
  expect(run.stderr).toBe('');
  expect(run.leftovers()).toEqual([]);
});

test('an interrupt stops signer and demo cleanly, and --keep keeps what was made', async () => {
  run = new DemoRun('--interval-ms', '20', '--keep');
  await run.until(/height [1-9]/);
  const [signer] = run.signers();
  expect(signer).toBeDefined();
  run.child.kill('SIGINT');
  expect(await run.exitCode, run.stderr).toBe(0);
  expect(run.stdout).toContain('The signer stopped cleanly.');
  const [kept = ''] = run.leftovers();
  expect(run.stdout).toContain(run.folder.join(kept, 'home'));
  expect(readdirSync(run.folder.join(kept))).toEqual(
    expect.arrayContaining(['home', 'signer.log']),
  );
  expect(() => process.kill(signer ?? 0, 0)).toThrow(/ESRCH/);
});

test('a signer that dies is told of with the end of its log, and exit code 1', async () => {
  run = new DemoRun('--interval-ms', '20');
  await run.until(/height [1-9]/);
  const [signer = 0] = run.signers();
  process.kill(signer, 'SIGKILL');
  expect(await run.exitCode).toBe(1);
  expect(run.stderr).toContain('the signer ended by SIGKILL');
  expect(run.stderr).toContain('ERR_SIGNER_COMMAND');
  expect(run.leftovers()).toEqual([]);
});

test('a mistake on the command line is told, and --help helps', async () => {
  run = new DemoRun('--heights', '0');
  expect(await run.exitCode).toBe(1);
  expect(run.stderr).toContain('whole number of at least 1');
  await run[Symbol.asyncDispose]();
  run = new DemoRun('--help');
  expect(await run.exitCode).toBe(0);
  expect(run.stdout).toContain('npm start -- --heights 20');
});
