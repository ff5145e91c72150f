import { describe, expect, test } from 'vitest';
import { ScratchFolder } from '../harness/scratch-folder.ts';
import { StoreProcess } from '../harness/store-process.ts';
import { type DiskOperation, FaultyDisk } from './faulty-disk.ts';

const BACK_OFF_MS = 500;
const UNAVAILABLE = 'ERR_SIGN_STATE_UNAVAILABLE';

/** A store process on a disk that fails when told to. */
class Bench implements AsyncDisposable {
  readonly disk: FaultyDisk;
  readonly #resources: AsyncDisposableStack;
  readonly #folder: ScratchFolder;
  #process: StoreProcess;

  private constructor(
    resources: AsyncDisposableStack,
    disk: FaultyDisk,
    folder: ScratchFolder,
    process: StoreProcess,
  ) {
    this.#resources = resources;
    this.disk = disk;
    this.#folder = folder;
    this.#process = process;
  }

  static async start(): Promise<Bench> {
    const resources = new AsyncDisposableStack();
    const disk = resources.use(new FaultyDisk());
    const folder = resources.use(new ScratchFolder());
    const bench = new Bench(resources, disk, folder, await StoreProcess.start({ env: disk.env }));
    expect(await bench.#process.run({ do: 'create', directory: folder.path })).toEqual({
      outcome: 'ok',
    });
    return bench;
  }

  async reserve(height: number, block = 'A'): Promise<string> {
    return (await this.#process.run({ do: 'reserve', height, block })).outcome;
  }

  async floor(): Promise<string> {
    return (await this.#process.run({ do: 'floor' })).outcome;
  }

  async checkpoint(): Promise<string> {
    return (await this.#process.run({ do: 'checkpoint' })).outcome;
  }

  async waitBackOff(): Promise<void> {
    await this.#process.run({ do: 'advance', ms: BACK_OFF_MS });
  }

  async kill(): Promise<void> {
    await this.#process.kill();
  }

  /** Kills the process and starts another one on what is left. @returns how its opening went. */
  async restart(powerCut: boolean): Promise<string> {
    await this.#process.kill();
    if (powerCut) this.disk.cutPower(this.#folder.path);
    this.#process = await StoreProcess.start({ env: this.disk.env });
    return (await this.#process.run({ do: 'open', directory: this.#folder.path })).outcome;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.kill();
    await this.#resources.disposeAsync();
  }
}

describe('S9: a disk that fails in the middle of a commit', () => {
  test.each([
    ['EIO', 'sync:floor.db-wal'],
    ['ENOSPC', 'sync:floor.db-wal'],
    ['ENOSPC', 'write:floor.db-wal'],
    ['EIO', 'write:floor.db-wal'],
    ['EIO', 'write:floor.mark'],
    ['ENOSPC', 'write:floor.mark'],
  ] satisfies ['EIO' | 'ENOSPC', DiskOperation][])(
    '%s on %s: nothing is signed until the store is proven, and never two messages',
    async (errno, operation) => {
      await using bench = await Bench.start();
      expect(await bench.reserve(4)).toBe('sign');
      bench.disk.fail(operation, errno);
      expect(await bench.reserve(5, 'A')).toBe(UNAVAILABLE);
      expect(await bench.floor()).toBe('4');
      // Two failures, and then a disk that says it is well: the same handle would believe it.
      await bench.waitBackOff();
      expect(await bench.reserve(5, 'A')).toBe(UNAVAILABLE);
      bench.disk.heal(operation);
      expect(await bench.reserve(4)).toBe(UNAVAILABLE);
      await bench.waitBackOff();

      // Whether 5/A was committed after all is the disk's secret. Then B is refused; else A is.
      const outcomes = [await bench.reserve(5, 'B'), await bench.reserve(5, 'A')].sort();
      expect(outcomes).toEqual(['ERR_CONFLICTING_SIGN_BYTES', 'sign']);
      const b = await bench.reserve(5, 'B');
      expect(await bench.restart(true)).toBe('ok');
      expect(await bench.reserve(5, 'B')).toBe(b);
    },
  );

  test('a checkpoint that fails is a failed commit: refused, and well after the proof', async () => {
    await using bench = await Bench.start();
    bench.disk.fail('sync:floor.db', 'EIO');
    expect(await bench.checkpoint()).toBe('broken');
    expect(await bench.reserve(2_000)).toBe(UNAVAILABLE);
    bench.disk.heal('sync:floor.db');
    await bench.waitBackOff();
    expect(await bench.reserve(2_000)).toBe('sign');
    expect(await bench.restart(true)).toBe('ok');
    expect(await bench.floor()).toBe('2000');
  });

  test.each([false, true])(
    "what a failed sync left in the machine's memory is no ground to sign on in the next life (power cut: %s)",
    async (powerCut) => {
      await using bench = await Bench.start();
      expect(await bench.reserve(4)).toBe('sign');
      bench.disk.fail('sync:floor.db-wal', 'EIO');
      expect(await bench.reserve(5, 'A')).toBe(UNAVAILABLE);
      // The next life cannot make anything durable either: it does not start.
      expect(await bench.restart(false)).toBe('ERR_FLOOR_UNWRITABLE');
      bench.disk.heal('sync:floor.db-wal');
      expect(await bench.restart(powerCut)).toBe('ok');
      const outcomes = [await bench.reserve(5, 'B'), await bench.reserve(5, 'A')].sort();
      expect(outcomes).toEqual(['ERR_CONFLICTING_SIGN_BYTES', 'sign']);
    },
  );
});

test("S8, S9: a row that only the machine's memory holds is made durable before anything is signed over it", async () => {
  await using bench = await Bench.start();
  expect(await bench.reserve(4)).toBe('sign');
  bench.disk.fail('sync:floor.db-wal', 'EIO');
  expect(await bench.reserve(5, 'A')).toBe(UNAVAILABLE);
  // The disk is well in the next life, which reads 5/A from memory: the disk has never got it, and
  // no later sync will bring it there.
  await bench.kill();
  bench.disk.heal('sync:floor.db-wal');
  expect(await bench.restart(false)).toBe('ok');
  expect(await bench.floor()).toBe('5');
  expect(await bench.reserve(5, 'A')).toBe('sign');
  expect(await bench.restart(true)).toBe('ok');
  expect(await bench.reserve(5, 'B')).toBe('ERR_CONFLICTING_SIGN_BYTES');
});

describe('a file system that became read-only', () => {
  test.each(['open:floor.db', 'open:floor.db-wal', 'open:floor.mark'] satisfies DiskOperation[])(
    'EROFS on %s refuses to start, and starts when it is writable again',
    async (operation) => {
      await using bench = await Bench.start();
      expect(await bench.reserve(4)).toBe('sign');
      bench.disk.fail(operation, 'EROFS');
      expect(await bench.restart(false)).toBe('ERR_FLOOR_UNWRITABLE');
      bench.disk.heal(operation);
      expect(await bench.restart(false)).toBe('ok');
      expect(await bench.floor()).toBe('4');
    },
  );
});
