/** The simulated device in a process of its own, as a device is: `npm run yubihsm-sim` without npm. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { InvariantError } from '@privval/proto/runtime/coded-error';

const MAIN = resolve(import.meta.dirname, '../../harness/yubihsm-sim/main.ts');

/** A running simulator. Its end is that of everything in it. */
export class SimulatorProcess implements AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly #process: ChildProcess;

  private constructor(url: string, process: ChildProcess) {
    this.url = url;
    this.#process = process;
  }

  /** Starts one on a free port; each signature takes it `latencyMs`. */
  static async start(options: {
    readonly latencyMs: number;
    readonly serial: number;
  }): Promise<SimulatorProcess> {
    const flags = ['--port', '0', '--latency-ms', `${options.latencyMs}`];
    const child = spawn(process.execPath, [MAIN, ...flags, '--serial', `${options.serial}`], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    for await (const line of createInterface({ input: child.stdout })) {
      return new SimulatorProcess(line.trim(), child);
    }
    throw new InvariantError('the simulator did not start');
  }

  /** `POST /simulator/…`. */
  async switch(what: 'unplug' | 'plug' | `stall?ms=${number}`): Promise<void> {
    const reply = await fetch(`${this.url}/simulator/${what}`, { method: 'POST' });
    if (!reply.ok) throw new InvariantError(`the simulator refused ${what}: ${reply.status}`);
  }

  /** Ends it without ceremony, as a machine that loses its power. */
  kill(): void {
    this.#process.kill('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
  }
}
