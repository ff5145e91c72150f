/** The signer with its key in the Rust crate's mock device: made by init, served across restarts of it. */
import { voteSignBytes } from '@privval/proto/codec/sign-bytes';
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import { ed25519PublicKey } from '@privval/proto/crypto/public-key';
import { bytesFromHex } from '@privval/proto/runtime/bytes';
import { systemClock } from '@privval/proto/runtime/clock';
import { parseChainId } from '@privval/proto/types/chain-id';
import { readConfig } from '@privval/signer/config/config';
import { Signer } from '@privval/signer/signer';
import { expect, test } from 'vitest';
import { RecordingLogger } from '../harness/recording-logger.ts';
import { ScratchFolder } from '../harness/scratch-folder.ts';
import { ScriptedNode, scriptedVote } from '../harness/scripted-node.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { cli } from '../signer/cli/cli-runner.ts';
import { writeSecret } from '../signer/home/home-fixtures.ts';
import { YubiHsmMock } from './peers/yubihsm-mock.ts';

const CHAIN = 'chain-1';

/** More than the sessions that the mock has: it never closes one by itself, and ends when asked for another. */
const RESTARTS = 18;

async function serve(home: string): Promise<Signer> {
  const { log, ...options } = readConfig(home, { environment: {} });
  const deps = { clock: systemClock, random: new SeededRandom(1), logger: new RecordingLogger() };
  return Signer.start(deps, { home, ...options });
}

test.each([
  ['an id that is chosen', []],
  ['a given id', ['--object-id', '0x0064']],
])(
  'a validator whose key was made in the mock as %s signs, restart after restart',
  async (_how, how) => {
    using folder = new ScratchFolder();
    await using mock = await YubiHsmMock.start({ clock: systemClock });
    const passwordFile = writeSecret(folder, 'password', 'password');
    const home = folder.join('home');
    await using node = await ScriptedNode.listen({
      chainId: CHAIN,
      transport: 'unix',
      path: folder.join('node.sock'),
    });
    const where = ['--home', home, '--chain-id', CHAIN, '--node', node.address];
    const device = ['--provider', 'yubihsm', '--connector', mock.url, '--auth-key', '1'];
    const flags = [...where, ...device, '--password-file', passwordFile, '--generate', ...how];
    expect(await cli(['init', ...flags])).toMatchObject({ exitCode: 0 });
    const shown = await cli(['keys', 'show', '--home', home, '--format', 'hex']);
    const publicKey = ed25519PublicKey(bytesFromHex(shown.output));

    let height = 0n;
    for (let restart = 0; restart < RESTARTS; restart++) {
      await using _signer = await serve(home);
      const connection = await node.accept();
      for (let i = 0; i < 3; i++) {
        const vote = scriptedVote({ height: ++height });
        const response = await connection.signVote(vote);
        if (response.kind !== 'signed-vote' || 'error' in response) throw response;
        const bytes = voteSignBytes(parseChainId(CHAIN), vote);
        expect(verifyStrict(publicKey, bytes, response.vote.signature)).toBe(true);
      }
    }
    expect(mock.log()).not.toContain('panicked');
  },
);
