/** What runs in a {@link StoreProcess}. */
import { errorCode } from '@privval/proto/runtime/coded-error';
import { silentLogger } from '@privval/proto/runtime/logger';
import { acquireHomeLock } from '@privval/signer/guard/home-lock';
import { SqliteSignStateStore } from '@privval/signer/guard/sqlite-sign-state-store';
import { ManualClock } from './manual-clock.ts';
import { CHAIN, hrs, signBytesOf } from './sign-requests.ts';

/** The key of the one validator, `v`. */
const PUBLIC_KEY = new Uint8Array(32).fill(1);

/** What can be asked of it. */
export type StoreCommand =
  | { readonly do: 'create' | 'open'; readonly directory: string }
  | { readonly do: 'reserve'; readonly height: number; readonly block?: string }
  | { readonly do: 'floor' }
  | { readonly do: 'checkpoint' }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'lock'; readonly path: string; readonly waitMs: number };

/** How it went. */
export interface StoreReply {
  readonly outcome: string;
  readonly text?: string;
}

const clock = new ManualClock();
const deps = { checkpointShare: 0.02, logger: silentLogger, clock };
let store: SqliteSignStateStore | undefined;

async function run(command: StoreCommand): Promise<string> {
  switch (command.do) {
    case 'create':
      store = SqliteSignStateStore.create(deps, command);
      store.addValidator(
        { name: 'v', chainId: CHAIN, publicKey: PUBLIC_KEY },
        { height: 0n, round: 0, step: 'none' },
      );
      return 'ok';
    case 'open':
      store = SqliteSignStateStore.open(deps, command);
      return 'ok';
    case 'reserve': {
      const at = hrs(command.height, 0, 'prevote');
      const signBytes = signBytesOf({ at, block: command.block });
      const reservation = { validator: 'v', at, signBytes, publicKey: PUBLIC_KEY };
      const [decision] = store?.reserve([reservation]) ?? [];
      return decision?.kind === 'refused' ? decision.code : (decision?.kind ?? 'no store');
    }
    case 'floor':
      return String(store?.floor('v').height);
    case 'checkpoint':
      // As many commits as it takes for one to be due.
      for (let i = 0; i < 200; i++) await run({ do: 'reserve', height: 1_000 + i });
      store?.maintain();
      return store?.fault === undefined ? 'ok' : 'broken';
    case 'advance':
      await clock.advance(command.ms);
      return 'ok';
    case 'lock': {
      const { path, waitMs } = command;
      await acquireHomeLock(path, { clock, waitMs, command: 'test process' });
      return 'ok';
    }
  }
}

async function reply(command: StoreCommand): Promise<StoreReply> {
  try {
    return { outcome: await run(command) };
  } catch (error) {
    return { outcome: errorCode(error), text: error instanceof Error ? error.message : '' };
  }
}

// A write beyond the file size limit is then an error of that write and not the end of the process.
process.on('SIGXFSZ', () => undefined);
process.on('message', (command: StoreCommand) => {
  // Never rejects.
  void reply(command).then((message) => process.send?.(message));
});
process.on('disconnect', () => process.exit());
process.send?.({ outcome: 'ready' });
