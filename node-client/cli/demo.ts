/**
 * `npm start`: the main job, with nothing else installed. A real signer on a fresh key in a
 * process of its own, and a scripted validator that has it sign height after height.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@privval/proto/runtime/clock';
import { CodedError, errorCode } from '@privval/proto/runtime/coded-error';
import { parseDemoOptions } from './demo-options.ts';
import { runDemo, StopRequest } from './run-demo.ts';
import { SignerCommandError } from './signer-process.ts';

const { stdout, stderr } = process;

/** @returns the exit code. */
async function main(): Promise<number> {
  const options = parseDemoOptions(process.argv.slice(2));
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stop.abort(new StopRequest(signal)));
  }
  // A reader that goes away (`| head`) ends the demo; there is nobody left to tell.
  stdout.on('error', () => stop.abort(new StopRequest('nobody reads the output')));
  const folder = await mkdtemp(join(tmpdir(), 'privval-demo-'));
  try {
    await runDemo(
      { clock: systemClock, output: stdout },
      { ...options, folder, signal: stop.signal },
    );
    return 0;
  } catch (error) {
    if (error instanceof StopRequest) return 0;
    if (!(error instanceof CodedError)) throw error;
    stderr.write(`\nThe demo failed: ${error.message} (${errorCode(error)})\n`);
    if (error instanceof SignerCommandError && error.output !== '') {
      stderr.write(`It said last:\n${error.output.trimEnd().replace(/^/gm, '  ')}\n`);
    }
    return 1;
  } finally {
    if (!options.keep) await rm(folder, { recursive: true, force: true });
  }
}

process.exitCode = await main();
