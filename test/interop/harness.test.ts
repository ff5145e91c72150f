/** tm-signer-harness v0.34.24, upstream's own acceptance test of a remote signer. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '@privval/proto/runtime/clock';
import { expect, it } from 'vitest';
import { OwnSigner } from './own-signer.ts';
import { freePort, NodeHome } from './peers/node-home.ts';
import { peerBinary } from './peers/peers.ts';

const run = promisify(execFile);
const deps = { clock: systemClock };

/** Runs the harness against a fresh signer that holds the node's own key; gives its exit code. */
async function harness(address: string, times: number): Promise<readonly number[]> {
  await using home = await NodeHome.prepare({ node: 'tendermint-0.34.24', chainId: 'harness' });
  await using signer = await OwnSigner.init(deps, [
    ...['--chain-id', home.chainId, '--node', address, '--floor-height', '0'],
    ...['--key-file', join(home.directory, 'config/priv_validator_key.json')],
  ]);
  await signer.serve();
  const codes: number[] = [];
  for (let i = 0; i < times; i++) {
    const args = ['run', '-addr', address, '-tmhome', home.directory, '-accept-retries', '3000'];
    const code = await run(peerBinary('tm-signer-harness'), args).then(
      () => 0,
      (error: { code: number; stdout: string }) => error.code,
    );
    codes.push(code);
  }
  return codes;
}

it('is satisfied over tcp, and a second run is refused as the regression it is (exit 9)', async () => {
  expect(await harness(`tcp://127.0.0.1:${await freePort()}`, 2)).toEqual([0, 9]);
});

it('is satisfied over unix', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'harness-'));
  mkdirSync(directory, { recursive: true });
  try {
    expect(await harness(`unix://${join(directory, 'signer.sock')}`, 1)).toEqual([0]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
