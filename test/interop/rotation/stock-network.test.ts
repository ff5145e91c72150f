/** The stand for key rotation, before any rotation: four validators, ours behind two nodes. */
import { generateKeyPairSync } from 'node:crypto';
import { systemClock } from '@privval/proto/runtime/clock';
import { expect, it } from 'vitest';
import { OwnSigner } from '../own-signer.ts';
import { addressOf } from '../peers/node-home.ts';
import { readHeights } from './chain-reading.ts';
import { landingOf, missReport } from './miss-report.ts';
import { NetworkHomes, StockNetwork } from './stock-network.ts';

const deps = { clock: systemClock };

/** A public key that nobody signs with, base64. */
function strangersKey(): string {
  const { publicKey } = generateKeyPairSync('ed25519');
  return publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64');
}

it.each(['cometbft-0.38.25', 'cometbft-0.40.0'] as const)(
  '%s: restarts of our nodes and of the signer cost nothing; a key that is not switched to is found out',
  async (node) => {
    await using homes = await NetworkHomes.prepare({ node, chainId: `net-${node}` });
    const flags = homes.signerAddresses.flatMap((address) => ['--node', address]);
    await using signer = await OwnSigner.init(deps, ['--chain-id', homes.chainId, ...flags]);
    const validator = await signer.validator();
    await signer.serve();
    await using network = await StockNetwork.start(deps, { homes, signer: { validator } });
    const { rpc } = network.control;
    const control = network.controlAddress;

    await network.waitForHeight(8n);
    await network.ownNode(0).restart();
    await network.moreBlocks(6n);
    expect(await signer.stop()).toBe('exit code 0');
    await signer.serve();
    await network.moreBlocks(6n);
    await network.ownNode(1).kill();
    await network.ownNode(1).restart();
    const last = await network.waitForHeight(32n);

    const address = addressOf(validator);
    const calm = await readHeights(rpc, 2n, last - 1n);
    const reigns = [{ address, from: 0n }];
    expect(missReport(calm, reigns, control).faults).toEqual([]);
    for (const own of network.own) await own.waitForHeight(last);

    const stranger = strangersKey();
    await network.broadcast(`val=ed25519!${stranger}!10`);
    await network.broadcast(`val=ed25519!${validator.value}!0`);
    const told = await network.waitForActivation(validator.value, stranger, last);
    const end = await network.moreBlocks(7n);
    const records = await readHeights(rpc, 2n, end - 1n);
    const { newKeyAt, oldKeyAt, activationHeight } = landingOf(records, validator.value, stranger);
    expect(newKeyAt).toBeGreaterThan(last - 1n);
    expect(oldKeyAt).toBeGreaterThanOrEqual(newKeyAt ?? 0n);
    expect(activationHeight).toBe((oldKeyAt ?? 0n) + 2n);
    expect(told).toBe(activationHeight);
    for (const { height, members } of records) {
      const ours = members.find((member) => member.address === address);
      expect({ height, ours: ours?.flag }).toEqual({
        height,
        ours: height < (activationHeight ?? 0n) ? 'commit' : undefined,
      });
    }
    const from = activationHeight ?? 0n;
    const next = { address: addressOf({ type: validator.type, value: stranger }), from };
    const report = missReport(records, [...reigns, next], control);
    expect(report.faults).toContain(
      `around the switch at ${from} we missed ${from}, ${from + 1n} and the control validator none`,
    );
  },
);
