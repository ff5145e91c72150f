/** The Rust crate's mock of a YubiHSM 2 behind its connector server: a new device each time. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@privval/proto/runtime/clock';
import { freePort } from './node-home.ts';
import { PeerExitedError, PeerProcess } from './peer-process.ts';
import { peerBinary } from './peers.ts';

/** How often a start is tried when somebody else took the port in between. */
const START_ATTEMPTS = 5;
const POLL_MS = 20;

/** What the mock needs of the world. */
export interface YubiHsmMockDeps {
  readonly clock: Clock;
}

/** One mock device. Its state is in memory and ends with the process. */
export class YubiHsmMock implements AsyncDisposable {
  /** Its connector. */
  readonly url: string;
  readonly #directory: string;
  readonly #process: PeerProcess;

  private constructor(url: string, directory: string, process: PeerProcess) {
    this.url = url;
    this.#directory = directory;
    this.#process = process;
  }

  /** @throws {PeerMissingError} when it has not been built. */
  static async start(deps: YubiHsmMockDeps): Promise<YubiHsmMock> {
    const directory = mkdtempSync(join(tmpdir(), 'yubihsm-mock-'));
    for (let attempt = 1; ; attempt += 1) {
      const port = await freePort();
      const peer = await PeerProcess.start(deps, {
        title: 'yubihsm-mock',
        command: peerBinary('yubihsm-mock'),
        args: [String(port)],
        logPath: join(directory, 'log'),
      });
      try {
        await peer.whileRunning(untilListening(deps, peer));
        return new YubiHsmMock(`http://127.0.0.1:${port}`, directory, peer);
      } catch (error) {
        if (!(error instanceof PeerExitedError) || attempt === START_ATTEMPTS) throw error;
      }
    }
  }

  /** What it has printed: its panics among it. */
  log(): string {
    return this.#process.output();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // It has nothing to lose.
    await this.#process.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

async function untilListening(deps: YubiHsmMockDeps, peer: PeerProcess): Promise<void> {
  while (peer.running && !peer.output().includes('listening at')) await deps.clock.sleep(POLL_MS);
}
