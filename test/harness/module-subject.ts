/** A fake module in a process of its own, under time that stands still. */
import { writeFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import type { ModuleProcessOptions } from '@privval/hsm/pkcs11/module-process';
import { afterAll } from 'vitest';
import { HANGING } from './fake-cryptoki.ts';
import {
  FakeModuleFile,
  type FakeToken,
  fakeKeyPair,
  fakeToken,
  publicKeyOf,
} from './fake-token.ts';
import { ManualClock } from './manual-clock.ts';
import { RecordingLogger } from './recording-logger.ts';
import { ScratchFolder } from './scratch-folder.ts';

/** The key in it: label `validator`, id 0064. */
export const FAKE_SEED: Uint8Array = Uint8Array.from({ length: 32 }, (_, i) => 7 * i + 1);
export const FAKE_PUBLIC_KEY: Uint8Array = publicKeyOf(FAKE_SEED);
export const FAKE_KEY = { label: 'validator' } as const;
/** Long enough to be found if it showed up anywhere. */
export const FAKE_PIN = 'a pin nobody guesses';

const STARTED = 'PKCS#11 module started';
const ENDED = 'the process of the PKCS#11 module ended';

/** Compiled modules of this test file's processes: they start in a third of the time. */
const CACHE = new ScratchFolder();
afterAll(() => CACHE[Symbol.dispose]());

/** What happens to its time. */
export interface ModuleSubjectOptions {
  /** How much time passes when the module begins to hang. @default 0 */
  readonly patienceMs?: number;
}

/** Notes each line, and lets others wait for one. */
class WatchedLogger extends RecordingLogger {
  readonly #onHang: () => void;
  #onLine: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(onHang: () => void) {
    super();
    this.#onHang = onHang;
  }

  override info(fields: object, message: string): void {
    super.info(fields, message);
    this.#noted();
  }

  override warn(fields: object, message: string): void {
    super.warn(fields, message);
    if ('line' in fields && fields.line === HANGING) this.#onHang();
    this.#noted();
  }

  /** Waits until this has been said as often as that. */
  async untilSaid(message: string, count: number): Promise<void> {
    while (this.named(message).length < count) await this.#onLine.promise;
  }

  #noted(): void {
    this.#onLine.resolve();
    this.#onLine = Promise.withResolvers();
  }
}

/**
 * A token in a file, and what it takes to reach it. The module's process is the real one; only the
 * vendor's library is not.
 */
export class ModuleSubject implements Disposable {
  readonly clock: ManualClock = new ManualClock();
  readonly logger: WatchedLogger;
  readonly file: FakeModuleFile;
  readonly pinFile: string;
  readonly #folder = new ScratchFolder();

  constructor(token: Partial<FakeToken> = {}, options: ModuleSubjectOptions = {}) {
    const { patienceMs = 0 } = options;
    // Never rejects.
    this.logger = new WatchedLogger(() => void this.clock.advance(patienceMs));
    const objects = fakeKeyPair(FAKE_SEED, { ...FAKE_KEY, id: '0064' });
    this.file = FakeModuleFile.create(
      this.#folder.join('module.json'),
      fakeToken({ pin: FAKE_PIN, objects, ...token }),
    );
    this.pinFile = this.#folder.join('pin');
    writeFileSync(this.pinFile, `${FAKE_PIN}\n`, { mode: 0o600 });
  }

  /** What a `ModuleProcess` is given. */
  get options(): ModuleProcessOptions {
    return {
      modulePath: this.file.path,
      login: { token: 'validators', pinFile: this.pinFile },
      environment: { NODE_COMPILE_CACHE: CACHE.path },
      main: new URL('./fake-module-main.ts', import.meta.url),
    };
  }

  /** Writes another program for the process, in JavaScript. */
  writeMain(source: string): URL {
    const path = this.#folder.join('main.mjs');
    writeFileSync(path, source);
    return new URL(`file://${path}`);
  }

  /** The processes that were started so far, in order. */
  get pids(): readonly number[] {
    return this.logger.named(STARTED).map(({ fields }) => Number(fields['pid']));
  }

  /** The process in use. */
  get pid(): number {
    return this.pids.at(-1) ?? Number.NaN;
  }

  /** Ends the process in use as a crash does, and waits until that was noticed. */
  async killProcess(): Promise<void> {
    const before = this.logger.named(ENDED).length;
    process.kill(this.pid, 'SIGKILL');
    await this.logger.untilSaid(ENDED, before + 1);
  }

  /** Waits until as many processes as this have been started. */
  async untilStarted(count: number): Promise<void> {
    await this.logger.untilSaid(STARTED, count);
  }

  /** Waits until the module hangs, for the `count`th time. */
  async untilHanging(count = 1): Promise<void> {
    await this.logger.untilSaid('the PKCS#11 module says', count);
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

/** Waits for something that happens by itself, outside of this process. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turn();
}
