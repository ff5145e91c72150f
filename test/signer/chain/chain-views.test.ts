import { voteSignBytes } from '@privval/proto/codec/sign-bytes';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { NIL_BLOCK_ID } from '@privval/proto/types/block-id';
import { AuditJournal } from '@privval/signer/audit/audit-journal';
import { HomeAuditLog } from '@privval/signer/audit/home-audit-log';
import { ChainViews, sourcesOf } from '@privval/signer/chain-views';
import { parseNodeAddress } from '@privval/signer/connection/node-address';
import { StoredControlDesk } from '@privval/signer/controls/control-desk';
import { ValidatorControls } from '@privval/signer/controls/validator-controls';
import { SqliteSignStateStore } from '@privval/signer/guard/sqlite-sign-state-store';
import { afterAll, expect, test } from 'vitest';
import { FakeRpc } from '../../harness/fake-rpc.ts';
import { type FakeBlock, FakeChain } from '../../harness/fake-rpc-chain.ts';
import { ManualClock } from '../../harness/manual-clock.ts';
import { RecordingLogger } from '../../harness/recording-logger.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import { CHAIN } from '../../harness/sign-requests.ts';

const secret = Ed25519SecretKey.fromSeed(new Uint8Array(32).fill(4));
afterAll(() => secret[Symbol.dispose]());

const publicKey = secret.publicKey.bytes;

/** A chain on which our validator signs alone. */
function ownChain(blocks: number): FakeChain {
  const members = [{ publicKey, power: 10n }];
  const chain = new FakeChain({ chainId: CHAIN, members, secrets: [secret] });
  chain.addBlocks(blocks);
  return chain;
}

/** The sign bytes of our precommit in a block's commit. */
function ownPrecommit({ height, round, hash, partsHash, signatures }: FakeBlock): Uint8Array {
  const [own] = signatures;
  return voteSignBytes(CHAIN, {
    type: 'precommit',
    height,
    round,
    blockId:
      own?.flag === 'nil' ? NIL_BLOCK_ID : { hash, partSetHeader: { total: 1, hash: partsHash } },
    timestamp: own?.timestamp ?? { seconds: 0n, nanos: 0 },
  });
}

/** A home with a validator, its controls and audit log, and views of its chain. */
class WitnessedHome implements AsyncDisposable {
  readonly folder: ScratchFolder = new ScratchFolder();
  readonly clock: ManualClock = new ManualClock();
  readonly logger: RecordingLogger = new RecordingLogger();
  readonly #open = new AsyncDisposableStack();
  readonly store: SqliteSignStateStore;
  readonly desk: StoredControlDesk;
  readonly audit: HomeAuditLog;
  readonly rpc: FakeRpc;
  views: ChainViews | undefined;

  private constructor(rpc: FakeRpc) {
    this.rpc = rpc;
    const { clock, logger } = this;
    const journal = new AuditJournal({ clock, logger });
    const controls = new ValidatorControls();
    const deps = { clock, logger, journal, controlOf: (name: string) => controls.of(name) };
    const directory = this.folder.path;
    this.store = this.#open.use(SqliteSignStateStore.create(deps, { directory }));
    const { store } = this;
    this.audit = this.#open.use(
      HomeAuditLog.start({ store, journal, clock, logger }, { home: directory }),
    );
    controls.load(store);
    store.addValidator(
      { name: 'val', chainId: CHAIN, publicKey },
      { height: 0n, round: 0, step: 'none' },
    );
    this.desk = new StoredControlDesk({ controls, store, clock, logger });
  }

  static async over(chain: FakeChain): Promise<WitnessedHome> {
    return new WitnessedHome(await FakeRpc.listen(chain));
  }

  /** Decides what stands in the commits of these blocks. */
  sign(...blocks: readonly (FakeBlock | undefined)[]): void {
    for (const block of blocks) {
      if (block === undefined) continue;
      const at = { height: block.height, round: block.round, step: 'precommit' } as const;
      const signBytes = ownPrecommit(block);
      const [decision] = this.store.reserve([{ validator: 'val', at, signBytes }]);
      expect(decision?.kind).toBe('sign');
    }
  }

  async watch(): Promise<void> {
    // The audit log reads its own past first.
    await this.clock.advance(2_000);
    const { store, audit, desk: controls, clock, logger } = this;
    const onBlock = (): void => undefined;
    const random = { uniform: () => 0 };
    const keysOf = () => [publicKey];
    this.views = ChainViews.start(
      { store, audit, controls, keysOf, onBlock, clock, random, logger },
      [
        {
          name: 'val',
          chainId: CHAIN,
          providers: [],
          nodes: [parseNodeAddress('tcp://127.0.0.1:1')],
          rpcs: [this.rpc.url],
        },
      ],
    );
  }

  /** Once the commit of `height` was looked at, at the tip or as a final one. */
  async untilSeen(height: bigint): Promise<void> {
    const seen = () => this.views?.of('val')?.attendance(height) ?? [];
    while (seen().length === 0) {
      await new Promise((resolve) => setImmediate(resolve));
      await this.clock.advance(10);
    }
    for (let turn = 0; turn < 20; turn++) await this.clock.advance(10);
  }

  get freeze() {
    return this.desk.control('val').freeze;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.views?.[Symbol.asyncDispose]();
    await this.rpc[Symbol.asyncDispose]();
    await this.#open.disposeAsync();
    this.folder[Symbol.dispose]();
  }
}

test('S36: what this signer decided may stand on the chain', async () => {
  const chain = ownChain(5);
  await using home = await WitnessedHome.over(chain);
  home.sign(...chain.blocks);
  await home.watch();
  await home.untilSeen(5n);
  home.sign(chain.addBlock());
  await home.untilSeen(6n);
  expect(home.freeze).toBeUndefined();
});

test('S36: a disk restored one block back is seen during a halt of the chain, and frozen for good', async () => {
  const chain = ownChain(5);
  await using home = await WitnessedHome.over(chain);
  home.sign(...chain.blocks.slice(0, 4));
  await home.watch();
  await home.untilSeen(5n);
  expect(home.freeze).toMatchObject({ cause: 'chain-witness', by: 'chain', raiseFloorTo: 5n });
  const at = { height: 6n, round: 0, step: 'prevote' } as const;
  const signBytes = voteSignBytes(CHAIN, {
    type: 'prevote',
    height: 6n,
    round: 0,
    blockId: NIL_BLOCK_ID,
    timestamp: { seconds: 1n, nanos: 0 },
  });
  expect(home.store.reserve([{ validator: 'val', at, signBytes }])[0]).toMatchObject({
    kind: 'refused',
    code: 'ERR_FROZEN',
  });
  const kinds = (await home.audit.query({ validator: 'val' })).map(({ kind }) => kind);
  expect(kinds).toContain('witness');
  expect(kinds).toContain('freeze');
});

test('S36: it is unfrozen only once the floor was raised to what the chain has', async () => {
  const chain = ownChain(5);
  await using home = await WitnessedHome.over(chain);
  home.sign(...chain.blocks.slice(0, 4));
  await home.watch();
  await home.untilSeen(5n);
  const act = { name: 'validator.unfreeze', by: 'local' };
  expect(() => home.desk.unfreeze('val', act)).toThrow(
    expect.objectContaining({ code: 'ERR_FLOOR_TOO_LOW' }),
  );
  home.store.raiseFloor('val', { height: 5n, round: 2_147_483_647, step: 'precommit' });
  home.desk.unfreeze('val', act);
  chain.addBlocks(1);
  home.sign(chain.blocks.at(-1));
  await home.untilSeen(6n);
  expect(home.freeze).toBeUndefined();
});

test('S36: a signature for bytes no decision was made on freezes, below the floor too', async () => {
  const chain = ownChain(5);
  await using home = await WitnessedHome.over(chain);
  const other = chain.fork(2n);
  other.addBlock({ nil: [publicKey] });
  // Decided otherwise at height 3 than what the chain has.
  home.sign(...chain.blocks.slice(0, 2), other.blocks[2], ...chain.blocks.slice(3));
  await home.watch();
  await home.untilSeen(5n);
  expect(home.freeze).toMatchObject({ cause: 'chain-witness', raiseFloorTo: 3n });
  expect(home.freeze?.reason).toMatch(/height 3 round 0, of a message that the audit log holds no/);
});

test('S36: what lies at or below the adopted floor proves nothing', async () => {
  const chain = ownChain(5);
  await using home = await WitnessedHome.over(chain);
  home.store.raiseFloor('val', { height: 4n, round: 2_147_483_647, step: 'precommit' });
  home.sign(chain.blocks[4]);
  await home.watch();
  await home.untilSeen(5n);
  expect(home.freeze).toBeUndefined();
});

test('S36: an RPC that lies about a signature freezes nothing', async () => {
  const chain = ownChain(6);
  await using home = await WitnessedHome.over(chain);
  home.sign(...chain.blocks.slice(0, 4));
  home.rpc.script.next = ({ method }) =>
    method === 'commit'
      ? {
          lie: (result) =>
            JSON.parse(JSON.stringify(result).replace(/"round":0/, '"round":1')) as unknown,
        }
      : 'answer';
  await home.watch();
  await home.untilSeen(6n);
  expect(home.freeze).toBeUndefined();
});

test('S36: RPC that is gone stops nothing', async () => {
  const chain = ownChain(5);
  await using home = await WitnessedHome.over(chain);
  await home.rpc.goAway();
  await home.watch();
  await home.clock.advance(60_000);
  home.sign(...chain.blocks);
  expect(home.freeze).toBeUndefined();
  expect(home.views?.of('val')?.followers()).toMatchObject([{ mode: 'lost' }]);
});

test('S33: the tip counts one jump above the floor at the most', async () => {
  const chain = ownChain(5);
  await using home = await WitnessedHome.over(chain);
  home.sign(...chain.blocks);
  await home.watch();
  expect(home.views?.tipOf('val')).toBeUndefined();
  await home.untilSeen(5n);
  expect(home.views?.tipOf('val')).toBe(5n);
});

test('S46: the i-th RPC speaks for the i-th node, the others are witnesses', () => {
  const nodes = ['tcp://10.0.0.5:26659', 'unix:///run/b.sock'].map(parseNodeAddress);
  expect(
    sourcesOf({
      name: 'val',
      chainId: CHAIN,
      providers: [],
      nodes,
      rpcs: [undefined, 'http://10.0.0.6:26657'],
      witnesses: ['https://rpc.example'],
    }),
  ).toEqual([
    { kind: 'node', node: 'unix:///run/b.sock', url: 'http://10.0.0.6:26657' },
    { kind: 'witness', url: 'https://rpc.example' },
  ]);
});
