import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { writeKeyFile } from '@privval/hsm/file/open-key-file';
import type { KeyProvider } from '@privval/hsm/key-provider';
import { voteSignBytes } from '@privval/proto/codec/sign-bytes';
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import type { PrivvalResponse } from '@privval/proto/privval/messages';
import { bytesFromBase64, hexFromBytes } from '@privval/proto/runtime/bytes';
import { systemClock } from '@privval/proto/runtime/clock';
import { parseChainId } from '@privval/proto/types/chain-id';
import { Signer, type SignerOptions } from '@privval/signer/signer';
import { describe, expect, it } from 'vitest';
import { FakeKey } from '../../harness/fake-key.ts';
import { PlainHome } from '../../harness/plain-home.ts';
import { RecordingLogger } from '../../harness/recording-logger.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import { ScriptedNode, scriptedProposal, scriptedVote } from '../../harness/scripted-node.ts';
import { SeededRandom } from '../../harness/seeded-random.ts';

const chainId = 'chain-a';

function start(options: SignerOptions, logger = new RecordingLogger()): Promise<Signer> {
  return Signer.start({ clock: systemClock, random: new SeededRandom(1), logger }, options);
}

function unixNode(path: string, chain = chainId): Promise<ScriptedNode> {
  return ScriptedNode.listen({ chainId: chain, transport: 'unix', path });
}

/** Puts a fresh key where another one was. */
async function replaceKey(keyFile: string): Promise<void> {
  rmSync(keyFile);
  using key = Ed25519SecretKey.generate();
  await writeKeyFile(keyFile, key);
}

function voteOf(response: PrivvalResponse) {
  if (response.kind !== 'signed-vote' || 'error' in response) throw new Error(response.kind);
  return response.vote;
}

describe('a signer', () => {
  it('serves its nodes with the key in the file, and its floor survives a restart', async () => {
    using folder = new ScratchFolder();
    await using node = await unixNode(folder.join('node.sock'));
    using home = await PlainHome.create([{ name: 'main', chainId, nodes: [node.address] }]);
    const first = await start(home.options);
    const connection = await node.accept();
    const vote = voteOf(await connection.signVote(scriptedVote({ height: 7n })));
    const publicKey = home.publicKeys.get('main');
    if (publicKey === undefined) throw new Error('no key');
    const bytes = voteSignBytes(parseChainId(chainId), vote);
    expect(verifyStrict(publicKey, bytes, vote.signature)).toBe(true);
    await first[Symbol.asyncDispose]();

    await using second = await start(home.options);
    const again = await node.accept();
    const repeat = scriptedVote({ height: 7n, seconds: 1_900_000_000 });
    expect(voteOf(await again.signVote(repeat))).toEqual(vote);
    expect(await again.signVote(scriptedVote({ height: 7n, block: 2 }))).toMatchObject({
      error: { description: expect.stringContaining('ERR_CONFLICTING') },
    });
    expect(second.status().validators).toMatchObject([
      {
        name: 'main',
        chainId,
        publicKey: publicKey.bytes,
        fault: undefined,
        floor: { height: 7n },
      },
    ]);
  });

  it('serves over tcp, unix and noise at the same time, one validator per chain', async () => {
    using folder = new ScratchFolder();
    await using tcp = await ScriptedNode.listen({ chainId: 'tcp-chain', transport: 'tcp' });
    await using unix = await unixNode(folder.join('node.sock'), 'unix-chain');
    await using noise = await ScriptedNode.listen({ chainId: 'noise-chain', transport: 'noise' });
    using home = await PlainHome.create([
      { name: 'a', chainId: 'tcp-chain', nodes: [tcp.address] },
      { name: 'b', chainId: 'unix-chain', nodes: [unix.address] },
      { name: 'c', chainId: 'noise-chain', nodes: [noise.address] },
    ]);
    await using signer = await start(home.options);
    await Promise.all(
      [tcp, unix, noise].map(async (node) => {
        const connection = await node.accept();
        for (let height = 1n; height <= 20n; height++) await connection.askHeight(height);
      }),
    );
    expect(signer.status().validators.map(({ floor }) => floor.height)).toEqual([20n, 20n, 20n]);
  });

  it('1,000 conflicting pairs from two nodes over sockets get one signature each', async () => {
    using folder = new ScratchFolder();
    await using left = await unixNode(folder.join('left.sock'));
    await using right = await ScriptedNode.listen({ chainId, transport: 'tcp' });
    using home = await PlainHome.create([
      { name: 'main', chainId, nodes: [left.address, right.address] },
    ]);
    await using _ = await start(home.options);
    const [a, b] = await Promise.all([left.accept(), right.accept()]);
    for (let height = 1n; height <= 1_000n; height++) {
      const answers = await Promise.all([
        a.signProposal(scriptedProposal({ height, block: 1 })),
        b.signProposal(scriptedProposal({ height, block: 2 })),
      ]);
      expect(answers.filter((answer) => 'error' in answer)).toHaveLength(1);
    }
  });

  it('a node that sends garbage touches neither another node nor another validator', async () => {
    using folder = new ScratchFolder();
    await using hostile = await unixNode(folder.join('hostile.sock'));
    await using sibling = await unixNode(folder.join('sibling.sock'));
    await using stranger = await unixNode(folder.join('stranger.sock'), 'chain-b');
    using home = await PlainHome.create([
      { name: 'a', chainId, nodes: [hostile.address, sibling.address] },
      { name: 'b', chainId: 'chain-b', nodes: [stranger.address] },
    ]);
    await using _ = await start(home.options);
    const healthy = [await sibling.accept(), await stranger.accept()];
    const random = new SeededRandom(5);
    for (let round = 0; round < 20; round++) {
      const connection = await hostile.accept();
      await connection.ping();
      await connection.sendBytes(new Uint8Array([0xff, 0xff, 0xff, 0x7f, ...random.bytes(50)]));
      expect(await connection.receiveBody().catch(() => undefined)).toBeUndefined();
      await connection[Symbol.asyncDispose]();
      for (const other of healthy) {
        voteOf(await other.signVote(scriptedVote({ height: BigInt(round + 1) })));
      }
    }
  });

  it('stops within a second while its nodes are idle, away, or silent in their handshake', async () => {
    using folder = new ScratchFolder();
    await using idle = await unixNode(folder.join('idle.sock'));
    await using silent = await ScriptedNode.listen({ chainId, transport: 'tcp' });
    using home = await PlainHome.create([
      {
        name: 'main',
        chainId,
        nodes: [idle.address, silent.address, `unix://${folder.join('absent.sock')}`],
      },
    ]);
    const signer = await start(home.options);
    const connection = await idle.accept();
    await connection.ping();
    const raw = await silent.acceptStream();
    await signer[Symbol.asyncDispose]();
    expect(await connection.receive()).toBeUndefined();
    await raw[Symbol.asyncDispose]();
    // The home is free again.
    await using _ = await start(home.options);
  });
});

describe('a home', () => {
  it('S13: is served by one signer at a time', async () => {
    using home = await PlainHome.create([{ name: 'main', chainId, nodes: ['unix:///nowhere'] }]);
    await using _ = await start(home.options);
    await expect(start(home.options)).rejects.toMatchObject({ code: 'ERR_HOME_LOCKED' });
  });

  it('S35: is refused when the configuration says another chain, a validator it does not know, or one twice', async () => {
    using home = await PlainHome.create([{ name: 'main', chainId, nodes: ['unix:///nowhere'] }]);
    const [main] = home.options.validators;
    if (main === undefined) throw new Error('no validator');
    const wrong = [
      [{ ...main, chainId: parseChainId('chain-b') }],
      [main, { ...main, name: 'unknown' }],
      [main, main],
    ];
    for (const validators of wrong) {
      await expect(start({ ...home.options, validators })).rejects.toMatchObject({
        code: 'ERR_CONFIG_BINDING',
      });
    }
    await using _ = await start(home.options);
  });

  it('with a validator that is not configured says that it is not served', async () => {
    using home = await PlainHome.create([
      { name: 'a', chainId, nodes: ['unix:///nowhere'] },
      { name: 'b', chainId, nodes: ['unix:///nowhere'] },
    ]);
    const logger = new RecordingLogger();
    const validators = home.options.validators.slice(0, 1);
    await using _ = await start({ ...home.options, validators }, logger);
    expect(
      logger.lines.some(({ level, fields }) => level === 'warn' && fields['validator'] === 'b'),
    ).toBe(true);
  });
});

describe('S26: a key that cannot be used', () => {
  it.each<[string, (keyFile: string) => unknown, string]>([
    ['is missing', (file) => rmSync(file), 'ERR_SECRET_FILE_UNREADABLE'],
    ['is damaged', (file) => writeFileSync(file, '{}'), 'ERR_KEY_FILE_MALFORMED'],
    ['may be read by others', (file) => chmodSync(file, 0o644), 'ERR_SECRET_FILE_PERMISSIONS'],
    ['holds another key', replaceKey, 'ERR_ANOTHER_KEY'],
  ])(
    'because its file %s takes its validator out of service, and no other',
    async (_title, spoil, code) => {
      using folder = new ScratchFolder();
      await using node = await unixNode(folder.join('node.sock'));
      using home = await PlainHome.create([
        { name: 'spoilt', chainId, nodes: [node.address] },
        { name: 'sound', chainId, nodes: [node.address] },
      ]);
      await spoil(home.join('spoilt.json'));
      const logger = new RecordingLogger();
      await using signer = await start(home.options, logger);
      const connection = await node.accept();
      expect(await connection.publicKey()).toMatchObject({
        publicKey: home.publicKeys.get('sound'),
      });
      expect(signer.status().validators).toMatchObject([
        { name: 'spoilt', fault: { code }, nodes: [] },
        { name: 'sound', fault: undefined, nodes: [{ state: 'serving' }] },
      ]);
      expect(logger.named('this validator is out of service')).toMatchObject([
        { level: 'error', fields: { validator: 'spoilt', code } },
      ]);
    },
  );

  it('in every validator ends the start at once, and leaves the home free', async () => {
    using home = await PlainHome.create([{ name: 'main', chainId, nodes: ['unix:///nowhere'] }]);
    const file = home.join('main.json');
    renameSync(file, `${file}.away`);
    await expect(start(home.options)).rejects.toMatchObject({
      code: 'ERR_NO_VALIDATOR_IN_SERVICE',
      message: expect.stringContaining('ERR_SECRET_FILE_UNREADABLE'),
    });
    renameSync(`${file}.away`, file);
    await using _ = await start(home.options);
  });
});

describe('a key in a device', () => {
  /** A home whose one validator's key is a device in the test's hand. */
  async function deviceBench(folder: ScratchFolder) {
    const node = await unixNode(folder.join('node.sock'));
    const key = new FakeKey({ clock: systemClock });
    const home = await PlainHome.create(
      [{ name: 'main', chainId, nodes: [node.address] }],
      new Map([['main', key.publicKey]]),
    );
    const logger = new RecordingLogger();
    const deps = { clock: systemClock, random: new SeededRandom(1), logger };
    const openProvider = async (): Promise<KeyProvider> => ({
      name: 'a key of the test',
      openKey: async () => key,
      [Symbol.asyncDispose]: async () => undefined,
    });
    const signer = await Signer.start({ ...deps, openProvider }, home.options);
    return { node, key, home, signer, logger };
  }

  it('S20: whose signature does not verify takes its validator out of service, and nothing is released', async () => {
    using folder = new ScratchFolder();
    const { node, key, home, signer } = await deviceBench(folder);
    const connection = await node.accept();
    key.health = 'wrong-signature';
    expect(await connection.signVote(scriptedVote({ height: 1n }))).toMatchObject({
      error: { description: expect.stringContaining('ERR_SIGNATURE_INVALID') },
    });
    expect(await connection.receive()).toBeUndefined();
    expect(signer.status().validators).toMatchObject([
      { fault: { code: 'ERR_SIGNATURE_INVALID' }, nodes: [] },
    ]);
    expect(node.backlog).toBe(0);
    await signer[Symbol.asyncDispose]();
    await node[Symbol.asyncDispose]();
    home[Symbol.dispose]();
  });

  it('may finish the answer in flight when the signer stops, and the floor has it', async () => {
    using folder = new ScratchFolder();
    const { node, key, home, signer } = await deviceBench(folder);
    const connection = await node.accept();
    key.hold();
    const asked = connection.signVote(scriptedVote({ height: 1n }));
    await key.untilTaken(1);
    const stopped = signer[Symbol.asyncDispose]();
    key.release();
    voteOf(await asked);
    await stopped;
    await node[Symbol.asyncDispose]();
    home[Symbol.dispose]();
  });
});

it('no line of the log, whatever happens, holds a secret', async () => {
  using folder = new ScratchFolder();
  await using node = await unixNode(folder.join('node.sock'));
  using home = await PlainHome.create([{ name: 'main', chainId, nodes: [node.address] }]);
  const logger = new RecordingLogger();
  const { value } = JSON.parse(readFileSync(home.join('main.json'), 'utf8')).priv_key;
  const seed = bytesFromBase64(value).subarray(0, 32);
  const signer = await start(home.options, logger);
  const connection = await node.accept();
  await connection.askHeight(1n);
  await connection.signVote(scriptedVote({ height: 1n, block: 2 }));
  await connection.sendBytes(new Uint8Array([0xff, 0xff, 0xff, 0x7f]));
  await connection.receive().catch(() => undefined);
  await signer[Symbol.asyncDispose]();
  expect(logger.lines.length).toBeGreaterThan(4);
  const text = inspect(logger.lines, { depth: 20, maxArrayLength: 1_000 });
  for (const secret of [value, hexFromBytes(seed), [...seed.subarray(0, 8)].join(', ')]) {
    expect(text).not.toContain(secret);
  }
});
