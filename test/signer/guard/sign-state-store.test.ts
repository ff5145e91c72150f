import { silentLogger } from '@privval/proto/runtime/logger';
import { SqliteSignStateStore } from '@privval/signer/guard/sqlite-sign-state-store';
import { onTestFinished } from 'vitest';
import { describeSignStateStore } from '../../conformance/sign-state-store.ts';
import { ManualClock } from '../../harness/manual-clock.ts';
import { MemorySignStateStore } from '../../harness/memory-sign-state-store.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';

describeSignStateStore('the memory store', async () => ({ store: new MemorySignStateStore() }));

describeSignStateStore('the SQLite store', async () => {
  const deps = { logger: silentLogger, clock: new ManualClock() };
  const folder = new ScratchFolder();
  onTestFinished(() => folder[Symbol.dispose]());
  const options = { directory: folder.path };
  const store = SqliteSignStateStore.create(deps, options);
  return {
    store,
    reopen: async () => {
      await store[Symbol.asyncDispose]();
      return SqliteSignStateStore.open(deps, options);
    },
  };
});
