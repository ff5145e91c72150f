/** A validator moves from tmkms, or from FilePV, to our signer and back, and signs no position twice. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseFilePvState } from '@privval/hsm/file/file-pv-state';
import { RemoteSigner } from '@privval/node-client/privval/remote-signer';
import { voteSignBytes } from '@privval/proto/codec/sign-bytes';
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import { utf8Bytes } from '@privval/proto/runtime/bytes';
import { systemClock } from '@privval/proto/runtime/clock';
import { silentLogger } from '@privval/proto/runtime/logger';
import type { BlockId } from '@privval/proto/types/block-id';
import { parseChainId } from '@privval/proto/types/chain-id';
import type { Vote, VoteType } from '@privval/proto/types/vote';
import { encodeTmkmsState } from '@privval/signer/import/tmkms-state';
import { describe, expect, it } from 'vitest';
import { OwnSigner } from './own-signer.ts';
import { ForeignSigner } from './peers/foreign-signers.ts';

const deps = { clock: systemClock };
const chainId = parseChainId('moving-1');
const NOTHING = new Uint8Array(0);

/** An answer takes milliseconds, and a reconnection a second. */
const PATIENCE_MS = 8_000;
const NIL: BlockId = { hash: NOTHING, partSetHeader: { total: 0, hash: NOTHING } };

function block(fill: number): BlockId {
  return {
    hash: new Uint8Array(32).fill(fill),
    partSetHeader: { total: 1, hash: new Uint8Array(32).fill(fill + 1) },
  };
}

function vote(type: VoteType, height: bigint, round: number, blockId: BlockId): Vote {
  return {
    type,
    height,
    round,
    blockId,
    timestamp: { seconds: 1_790_000_000n + height, nanos: 7 },
    validatorAddress: new Uint8Array(20),
    validatorIndex: 0,
    signature: NOTHING,
    extension: NOTHING,
    extensionSignature: NOTHING,
  };
}

/** Our node's side. The signer changes, the address and the key stay. */
class Node implements AsyncDisposable {
  readonly #remote: RemoteSigner;

  private constructor(remote: RemoteSigner) {
    this.#remote = remote;
  }

  static async listen(): Promise<Node> {
    const options = { address: 'tcp://127.0.0.1:0' };
    return new Node(await RemoteSigner.listen({ ...deps, logger: silentLogger }, options));
  }

  get address(): string {
    return this.#remote.address;
  }

  async publicKeyHex(): Promise<string> {
    const { bytes } = await this.#remote.publicKey(chainId);
    return Buffer.from(bytes).toString('hex');
  }

  /** `signed`, or why not. What is signed is verified. */
  async ask(...asked: Parameters<typeof vote>): Promise<string> {
    const publicKey = await this.#remote.publicKey(chainId);
    const options = { skipExtensionSigning: true, signal: AbortSignal.timeout(PATIENCE_MS) };
    const signed = await this.#remote
      .signVote(chainId, vote(...asked), options)
      // tmkms closes the connection on a regression instead of answering, again and again.
      .catch(() => ({ kind: 'not-answered' as const }));
    if (signed.kind !== 'signed') return signed.kind;
    const bytes = voteSignBytes(chainId, signed.message);
    return verifyStrict(publicKey, bytes, signed.message.signature) ? 'signed' : 'forged';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#remote[Symbol.asyncDispose]();
  }
}

const SIGNERS = [
  {
    name: 'tmkms',
    start: ForeignSigner.tmkms,
    source: (home: string) => ['tmkms', home],
    giveBack: (home: string, exported: Uint8Array) =>
      writeFileSync(join(home, 'state.json'), encodeTmkmsState(parseFilePvState(exported))),
    state: 'state.json',
  },
  {
    name: 'FilePV',
    start: ForeignSigner.filePv,
    source: (home: string) => [
      'filepv',
      join(home, 'priv_validator_key.json'),
      '--chain-id',
      chainId,
    ],
    giveBack: (home: string, exported: Uint8Array) =>
      writeFileSync(join(home, 'priv_validator_state.json'), exported),
    state: 'priv_validator_state.json',
  },
];

describe.each(SIGNERS)('a validator of $name', ({ start, source, giveBack, state }) => {
  it('goes on above its state with us, and above ours when it goes back', async () => {
    await using node = await Node.listen();
    await using other = await start(deps, { chainId, address: node.address });
    const key = await node.publicKeyHex();
    expect(await node.ask('prevote', 20n, 1, block(20))).toBe('signed');
    expect(await node.ask('precommit', 20n, 1, block(20))).toBe('signed');
    await other.kill();

    await using ours = await OwnSigner.make(deps, [
      'import',
      ...source(other.home),
      '--node',
      node.address,
    ]);
    expect(await ours.state()).toMatchObject([{ height: '20', round: 1, step: 3 }]);
    await ours.serve();
    expect(await node.publicKeyHex()).toBe(key);
    for (const [type, height, round, id] of [
      ['precommit', 20n, 1, NIL],
      ['precommit', 20n, 1, block(99)],
      ['prevote', 20n, 1, block(99)],
      ['precommit', 19n, 0, block(19)],
    ] as const) {
      expect(await node.ask(type, height, round, id)).toBe('refused');
    }
    expect(await node.ask('prevote', 20n, 2, block(20))).toBe('signed');
    expect(await node.ask('precommit', 21n, 0, block(21))).toBe('signed');
    await ours.stop();

    const exported = utf8Bytes(await ours.command('state', 'export'));
    // What is there now is the past: a signer that were started on it would sign 20 and 21 again.
    expect(readFileSync(join(other.home, state), 'utf8')).toContain('"20"');
    rmSync(join(other.home, state));
    giveBack(other.home, exported);
    await other.restart();
    expect(await node.publicKeyHex()).toBe(key);
    expect(await node.ask('prevote', 22n, 0, block(22))).toBe('signed');
    expect(await node.ask('precommit', 22n, 0, block(22))).toBe('signed');
  });

  it.each([
    ['nil', NIL],
    ['another block', block(98)],
  ])('signs no precommit for %s where we signed one', async (_what, id) => {
    await using node = await Node.listen();
    await using other = await start(deps, { chainId, address: node.address });
    await node.publicKeyHex();
    await other.kill();
    const from = [...source(other.home), '--node', node.address, '--floor-height', '0'];
    await using ours = await OwnSigner.make(deps, ['import', ...from]);
    await ours.serve();
    expect(await node.ask('precommit', 30n, 4, block(30))).toBe('signed');
    await ours.stop();
    giveBack(other.home, utf8Bytes(await ours.command('state', 'export')));
    const before = readFileSync(join(other.home, state), 'utf8');
    await other.restart();
    await node.publicKeyHex();
    expect(['refused', 'not-answered']).toContain(await node.ask('precommit', 30n, 4, id));
    expect(readFileSync(join(other.home, state), 'utf8')).toBe(before);
  });
});
