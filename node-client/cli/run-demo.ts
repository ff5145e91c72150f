/** The demo from the first line it prints to the last. */
import { join } from 'node:path';
import { nodeIdFromPublicKey } from '@privval/proto/crypto/node-id';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { type AbortOptions, anySignal } from '@privval/proto/runtime/abort';
import type { Clock } from '@privval/proto/runtime/clock';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { silentLogger } from '@privval/proto/runtime/logger';
import { type ChainId, parseChainId } from '@privval/proto/types/chain-id';
import { RemoteSigner } from '../privval/remote-signer.ts';
import { FloorWatch } from './demo-floor.ts';
import type { DemoOptions } from './demo-options.ts';
import { type DemoDisplay, type DemoOutput, openDemoDisplay } from './demo-screen.ts';
import { DemoProgress, runDemoValidator } from './demo-validator.ts';
import { type DemoStatus, farewell } from './demo-view.ts';
import { runSigner, SignerCommandError, SignerProcess } from './signer-process.ts';

const CHAIN_ID: ChainId = parseChainId('privval-demo');

/** From one frame of the screen to the next. */
const FRAME_MS = 200;

/** Somebody pressed Ctrl-C, or asked in another way. Not a fault. */
export class StopRequest extends CodedError {
  override readonly name = 'StopRequest';
  readonly code = 'ERR_STOP_REQUESTED';
}

/** Collaborators of {@link runDemo}. */
export interface DemoDeps {
  readonly clock: Clock;
  readonly output: DemoOutput;
}

/** What {@link runDemo} is told. */
export interface RunDemoOptions extends DemoOptions, AbortOptions {
  /** A folder of mode 0700 for everything the demo writes; the caller's, before and after. */
  readonly folder: string;
}

/**
 * Makes a home, starts the signer, signs, and stops the signer again. Resolves after
 * `options.heights` heights, or when the signal aborts with a {@link StopRequest} while signing.
 *
 * @throws {SignerCommandError} ERR_SIGNER_COMMAND when the signer cannot be started, ends by itself
 *   or does not stop cleanly; with the end of its log.
 * @throws {DoubleSignError} ERR_DOUBLE_SIGN
 */
export async function runDemo(deps: DemoDeps, options: RunDemoOptions): Promise<void> {
  const { clock, output } = deps;
  const { folder, keep, signal } = options;
  const home = join(folder, 'home');
  const logFile = join(folder, 'signer.log');
  await using stack = new AsyncDisposableStack();
  const identity = stack.use(Ed25519SecretKey.generate());
  const signer = stack.use(
    await RemoteSigner.listen(
      { clock, logger: silentLogger, identity },
      { address: 'tcp://127.0.0.1:0' },
    ),
  );

  output.write(`Making a home with a fresh key: ${home}\n`);
  const nodeAddress = signer.address.replace('//', `//${nodeIdFromPublicKey(identity.publicKey)}@`);
  const init = ['init', '--home', home, '--chain-id', CHAIN_ID, '--node', nodeAddress];
  await runSigner(init, { signal });

  output.write(`Starting the signer; its log: ${logFile}\n\n`);
  const child = stack.use(
    await SignerProcess.start({ clock }, { args: ['serve', '--home', home], logFile }),
  );
  const progress = new DemoProgress();
  await signInPublic({ ...deps, signer, child, progress }, { ...options, home });

  const { exitCode } = await child.stop();
  if (exitCode !== 0) {
    throw new SignerCommandError(`the signer stopped with exit code ${exitCode}`, {
      output: await child.lastLines(),
    });
  }
  output.write(farewell(progress, { folder, home, logFile, keep }));
}

/** Signs, and shows it, until the heights are done, somebody stops it or the signer ends. */
async function signInPublic(
  deps: DemoDeps & {
    readonly signer: RemoteSigner;
    readonly child: SignerProcess;
    readonly progress: DemoProgress;
  },
  options: RunDemoOptions & { readonly home: string },
): Promise<void> {
  const { clock, signer, child, progress } = deps;
  const { home, intervalMs, heights } = options;
  const gone = new AbortController();
  void child.ended.then(({ exitCode, signal }) => {
    const how = signal === null ? `with exit code ${exitCode}` : `by ${signal}`;
    gone.abort(new StopRequest(`the signer ended ${how}`));
  });

  await using floor = FloorWatch.start({ clock }, { socketPath: join(home, 'admin.sock') });
  const status = (over = false): DemoStatus => ({
    chainId: CHAIN_ID,
    elapsedMs: progress.startedMs === undefined ? 0 : clock.monotonicMs() - progress.startedMs,
    floor: floor.latest,
    connected: signer.remote !== undefined,
    over,
    progress,
  });
  using display = openDemoDisplay(deps);
  await using _frames = new Frames(clock, display, status);
  const signal = anySignal(options.signal, gone.signal);
  try {
    await runDemoValidator(
      { signer, clock, progress },
      { chainId: CHAIN_ID, intervalMs, heights, signal },
    );
  } catch (error) {
    if (!(error instanceof StopRequest)) throw error;
    // Who asked to stop may have stopped the signer as well, and it may have been the quicker one.
    if (options.signal?.aborted !== true) {
      const output = await child.lastLines();
      throw new SignerCommandError(error.message, { output, cause: error });
    }
  }
  // The last word on the floor; a signer that is gone already has none.
  await floor.refresh().catch(() => undefined);
  display.show(status(true), true);
}

/** Shows the status again and again, until disposed. */
class Frames implements AsyncDisposable {
  readonly #shutdown = new AbortController();
  readonly #loop: Promise<void>;

  constructor(clock: Clock, display: DemoDisplay, status: () => DemoStatus) {
    this.#loop = this.#show(clock, display, status);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#shutdown.abort();
    await this.#loop;
  }

  async #show(clock: Clock, display: DemoDisplay, status: () => DemoStatus): Promise<void> {
    const { signal } = this.#shutdown;
    while (!signal.aborted) {
      display.show(status());
      await clock.sleep(FRAME_MS, { signal }).catch(() => undefined);
    }
  }
}
