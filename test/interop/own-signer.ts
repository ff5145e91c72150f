/** Our signer as its users run it: the command, in processes of its own. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '@privval/proto/runtime/clock';
import type { CometPublicKey } from './peers/node-home.ts';
import { PeerProcess } from './peers/peer-process.ts';

const run = promisify(execFile);

/** Where `npm ci` puts our command, and the Node it runs on. */
const BIN = resolve(import.meta.dirname, '../../node_modules/.bin');
const SIGNER = join(BIN, 'signer');
const environment = { ...process.env, PATH: `${BIN}:${process.env['PATH'] ?? ''}` };

/** One row of `signer state show --json`. */
export interface StateRow {
  readonly validator: string;
  readonly chainId: string;
  readonly height: string;
  readonly round: number;
  readonly step: number;
}

/** What the signer needs of the world. */
export interface OwnSignerDeps {
  readonly clock: Clock;
}

/** A home of our signer and, from {@link OwnSigner.serve} on, the process that serves it. */
export class OwnSigner implements AsyncDisposable {
  readonly home: string;
  readonly #deps: OwnSignerDeps;
  readonly #directory: string;
  #process: PeerProcess | undefined;

  private constructor(deps: OwnSignerDeps, directory: string) {
    this.#deps = deps;
    this.#directory = directory;
    this.home = join(directory, 'home');
  }

  /** Makes a home with `signer init`; `flags` are its flags besides `--home`. */
  static async init(deps: OwnSignerDeps, flags: readonly string[]): Promise<OwnSigner> {
    return OwnSigner.make(deps, ['init', ...flags]);
  }

  /** Makes a home with a whole command, `--home` excepted. */
  static async make(deps: OwnSignerDeps, command: readonly string[]): Promise<OwnSigner> {
    const signer = new OwnSigner(deps, mkdtempSync(join(tmpdir(), 'own-signer-')));
    await signer.command(...command);
    return signer;
  }

  /** Runs one command on this home and gives its output. Rejects when it exits non-zero. */
  async command(...args: readonly string[]): Promise<string> {
    const { stdout } = await run(SIGNER, [...args, '--home', this.home], { env: environment });
    return stdout.trim();
  }

  /** The consensus key, as a genesis file has it. */
  async validator(): Promise<CometPublicKey> {
    return JSON.parse(await this.command('keys', 'show', '--format', 'cometbft'));
  }

  /** The floors, asked of the running process or of the home. */
  async state(): Promise<readonly StateRow[]> {
    return JSON.parse(await this.command('state', 'show', '--json'));
  }

  /** Starts `signer serve`. */
  async serve(): Promise<void> {
    this.#process = await PeerProcess.start(this.#deps, {
      title: 'signer',
      command: 'env',
      args: [`PATH=${environment.PATH}`, SIGNER, 'serve', '--home', this.home],
      logPath: join(this.#directory, 'log'),
    });
  }

  /** SIGTERM; says how it ended, which is `exit code 0`. */
  async stop(): Promise<string> {
    const ended = this.#process?.ended() ?? Promise.resolve('not running');
    await this.#process?.stop();
    return ended;
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  /** The whole log of the current process. */
  log(): string {
    return this.#process?.output() ?? '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
