/** Live key rotation by the command line, on stock networks: no block missed, no signature by the wrong key. */
import { systemClock } from '@privval/proto/runtime/clock';
import { expect, it } from 'vitest';
import { OwnSigner } from '../own-signer.ts';
import { addressOf } from '../peers/node-home.ts';
import { readHeights } from './chain-reading.ts';
import { type Absence, missReport, type Reign } from './miss-report.ts';
import { killAndServe, prepareRotation, rotationStatus, untilState } from './rotating-signer.ts';
import { NetworkHomes, StockNetwork } from './stock-network.ts';

const deps = { clock: systemClock };

/** How many rotations in a row: PRIVVAL_ROTATIONS=20 for a longer run. */
const ROTATIONS = Number(process.env['PRIVVAL_ROTATIONS'] ?? 5);

/** What happens to a network and its signer while keys are rotated. */
interface Stand {
  readonly network: StockNetwork;
  readonly signer: OwnSigner;
  /** Filled by {@link kill}. */
  readonly away: Absence[];
}

/** SIGKILL and a new start; the heights in between are noted. */
async function kill({ network, signer, away }: Stand): Promise<void> {
  const from = (await network.control.height()) + 1n;
  await killAndServe(deps, signer);
  away.push({ from, to: (await network.control.height()) + 1n });
}

/** What goes wrong, by the number of the rotation, over and over. */
const TROUBLES: readonly {
  /** When both transactions are in blocks; `activation` is A. */
  readonly whileArmed?: (stand: Stand, activation: bigint) => Promise<void>;
  /** When the new key has been seen at work. */
  readonly afterwards?: (stand: Stand) => Promise<void>;
}[] = [
  { afterwards: async ({ network }) => network.ownNode(0).restart() },
  {
    afterwards: kill,
  },
  {},
  {
    whileArmed: async (stand) => {
      expect(['armed', 'switched']).toContain((await rotationStatus(stand.signer)).state);
      await kill(stand);
    },
  },
  {
    whileArmed: async ({ network }, activation) => {
      await network.waitForHeight(activation - 1n);
      await network.ownNode(1).restart();
    },
  },
];

it.each(['cometbft-0.38.25', 'cometbft-0.40.0'] as const)(
  `%s: ${ROTATIONS} rotations in a row across restarts miss nothing that another validator does not (S38–S48)`,
  async (node) => {
    await using homes = await NetworkHomes.prepare({ node, chainId: `rotate-${node}` });
    const flags = homes.signerAddresses.flatMap((address, index) => [
      '--node',
      address,
      '--rpc',
      homes.rpcUrls[index] ?? '',
    ]);
    await using signer = await OwnSigner.init(deps, ['--chain-id', homes.chainId, ...flags]);
    const first = await signer.validator();
    await signer.serve();
    await using network = await StockNetwork.start(deps, { homes, signer: { validator: first } });
    await network.waitForHeight(3n);

    const stand: Stand = { network, signer, away: [] };
    const reigns: Reign[] = [{ address: addressOf(first), from: 0n }];
    for (let number = 0; number < ROTATIONS; number++) {
      const { whileArmed, afterwards } = TROUBLES[number % TROUBLES.length] ?? {};
      const { status, transactions } = await prepareRotation(signer);
      const { oldKey, newKey } = status;
      expect(transactions).toEqual([
        `val=ed25519!${newKey.value}!10`,
        `val=ed25519!${oldKey.value}!0`,
      ]);
      const from = await network.control.height();
      // Each once: a second removal stops every node (S48).
      for (const transaction of transactions) await network.broadcast(transaction);
      const activation = await network.waitForActivation(oldKey.value, newKey.value, from);
      reigns.push({ address: addressOf(newKey), from: activation });
      await whileArmed?.(stand, activation);

      const done = ['switched', 'verified', 'retiring'] as const;
      const switched = await untilState(deps, signer, done, { timeoutMs: 30_000 });
      expect(switched).toMatchObject({ oldKey, newKey, activationHeight: String(activation) });
      await signer.command('keys', 'rotate', 'verify');
      expect(['verified', 'retiring']).toContain((await rotationStatus(signer)).state);
      await afterwards?.(stand);
    }

    const last = await network.moreBlocks(3n);
    for (const own of network.own) await own.waitForHeight(last);
    const records = await readHeights(network.control.rpc, 2n, last - 1n);
    const report = missReport(records, reigns, network.controlAddress, stand.away);
    expect(report).toMatchObject({ faults: [] });
    const [floor] = await signer.state();
    expect(BigInt(floor?.height ?? 0)).toBeGreaterThanOrEqual(last);
    expect(await signer.stop()).toBe('exit code 0');
    await signer.command('audit', 'verify');
  },
  ROTATIONS * 36_000,
);
