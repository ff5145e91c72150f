/** The signer with its key in SoftHSM2: made by init, served, taken out and put back. */
import { voteSignBytes } from '@privval/proto/codec/sign-bytes';
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import { ed25519PublicKey } from '@privval/proto/crypto/public-key';
import { bytesFromHex } from '@privval/proto/runtime/bytes';
import { systemClock } from '@privval/proto/runtime/clock';
import { parseChainId } from '@privval/proto/types/chain-id';
import { readConfig } from '@privval/signer/config/config';
import { Signer } from '@privval/signer/signer';
import { expect, onTestFinished, test, vi } from 'vitest';
import { RecordingLogger } from '../harness/recording-logger.ts';
import { ScratchFolder } from '../harness/scratch-folder.ts';
import { type ScriptedConnection, ScriptedNode, scriptedVote } from '../harness/scripted-node.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { cli } from '../signer/cli/cli-runner.ts';
import { SOFT_HSM_MODULE, SoftHsm } from './soft-hsm.ts';

const CHAIN = 'chain-1';

/** A token for this test; the module finds it by the environment. */
function softHsm(): { readonly hsm: SoftHsm; readonly flags: readonly string[] } {
  const hsm = new SoftHsm();
  for (const [name, value] of Object.entries(hsm.environment)) vi.stubEnv(name, value);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    hsm[Symbol.dispose]();
  });
  const { token, pinFile } = hsm.createToken('validator');
  const place = ['--provider', 'pkcs11', '--module', SOFT_HSM_MODULE, '--token', token];
  return { hsm, flags: [...place, '--pin-file', pinFile] };
}

async function serve(home: string): Promise<Signer> {
  const { log, ...options } = readConfig(home, { environment: {} });
  const deps = { clock: systemClock, random: new SeededRandom(1), logger: new RecordingLogger() };
  return Signer.start(deps, { home, ...options });
}

/** Asks again until it is signed, as a node does. */
async function signed(connection: ScriptedConnection, height: bigint): Promise<Uint8Array> {
  for (;;) {
    const response = await connection.signVote(scriptedVote({ height }));
    if (response.kind === 'signed-vote' && !('error' in response)) return response.vote.signature;
  }
}

test('a validator whose key is in a token signs heights, also after the token was out', async () => {
  using folder = new ScratchFolder();
  const { hsm, flags } = softHsm();
  const home = folder.join('home');
  await using node = await ScriptedNode.listen({
    chainId: CHAIN,
    transport: 'unix',
    path: folder.join('node.sock'),
  });
  const where = ['--home', home, '--chain-id', CHAIN, '--node', node.address];
  const made = await cli(['init', ...where, ...flags, '--generate']);
  expect(made.exitCode).toBe(0);
  const shown = await cli(['keys', 'show', '--home', home, '--format', 'hex']);
  const publicKey = ed25519PublicKey(bytesFromHex(shown.output));
  await using signer = await serve(home);
  const connection = await node.accept();
  for (let height = 1n; height <= 30n; height++) {
    if (height === 10n || height === 20n) {
      hsm.unplug();
      const answered = signed(connection, height);
      hsm.plug();
      await answered;
    }
    const signature = await signed(connection, height);
    const bytes = voteSignBytes(parseChainId(CHAIN), scriptedVote({ height }));
    expect(verifyStrict(publicKey, bytes, signature)).toBe(true);
  }
  expect(signer.status().validators).toMatchObject([
    {
      fault: undefined,
      floor: { height: 30n },
      providers: [{ name: 'pkcs11 "validator" key "chain-1"', state: 'in-service' }],
    },
  ]);
});

test('S2: a key that is in a token already comes with its history, and S1: once', async () => {
  using folder = new ScratchFolder();
  const { flags } = softHsm();
  const chain = ['--chain-id', CHAIN, '--node', 'tcp://127.0.0.1:1'];
  const first = await cli(['init', '--home', folder.join('a'), ...chain, ...flags, '--generate']);
  expect(first.exitCode).toBe(0);
  const label = ['--key-label', CHAIN];
  const again = ['init', '--home', folder.join('b'), ...chain, ...flags, ...label];
  expect(await cli(again)).toMatchObject({ exitCode: 2 });
  expect(await cli([...again, '--floor-height', '7'])).toMatchObject({ exitCode: 0 });
  const add = ['validators', 'add', 'second', '--home', folder.join('b'), ...chain, ...flags];
  const { notes } = await cli([...add, ...label, '--floor-height', '7']);
  expect(notes).toContain('ERR_DUPLICATE_VALIDATOR');
});

test('S26: a wrong PIN ends the start at once', async () => {
  using folder = new ScratchFolder();
  const { hsm, flags } = softHsm();
  const home = folder.join('home');
  const chain = ['--chain-id', CHAIN, '--node', 'tcp://127.0.0.1:1'];
  await cli(['init', '--home', home, ...chain, ...flags, '--generate']);
  hsm.writePin('pin', 'wrong-pin');
  await expect(serve(home)).rejects.toMatchObject({
    code: 'ERR_NO_VALIDATOR_IN_SERVICE',
    message: expect.stringContaining('ERR_PKCS11_PIN_REFUSED'),
  });
});
