import { proposalSignBytes, voteSignBytes } from '@privval/proto/codec/sign-bytes';
import { verifyStrict } from '@privval/proto/crypto/ed25519';
import { ed25519PublicKey, type PublicKey } from '@privval/proto/crypto/public-key';
import type { PrivvalResponse } from '@privval/proto/privval/messages';
import { bytesFromHex, hexFromBytes } from '@privval/proto/runtime/bytes';
import { systemClock } from '@privval/proto/runtime/clock';
import { expect, test } from 'vitest';
import { ScratchFolder } from '../harness/scratch-folder.ts';
import {
  type ScriptedConnection,
  ScriptedNode,
  scriptedProposal,
  scriptedVote,
} from '../harness/scripted-node.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { runSigner, SignerProcess } from './signer-process.ts';

/** Lives of the signer: 200 unless told otherwise. */
const KILLS = Number(process.env['PRIVVAL_KILLS'] ?? 200);

/** Answers that a life gives at the most before its last moment is drawn. */
const MAX_ANSWERS = 24;

/** How long after one of them the kill may come. */
const MAX_DELAY_MS = 2;

/** How long a life may take until its first answer. */
const START_LIMIT_MS = 60_000;

const CHAIN_ID = 'kill-chain';
const BLOCKS = [1, 2] as const;
const STEPS = ['propose', 'prevote', 'precommit'] as const;

/** Two nodes of one operator, or of an attacker: at each step each wants both blocks signed. */
class HostileNodes {
  readonly #random: SeededRandom;
  readonly #publicKey: PublicKey;
  readonly #nodes: readonly ScriptedNode[];
  /** The message signed at each position, in all lives. */
  readonly #released = new Map<string, string>();
  readonly violations: string[] = [];
  #position = 0;
  #onAnswer: () => void = () => undefined;
  signed = 0;
  refused = 0;

  constructor(random: SeededRandom, publicKey: PublicKey, nodes: readonly ScriptedNode[]) {
    this.#random = random;
    this.#publicKey = publicKey;
    this.#nodes = nodes;
  }

  /** Asks on, position after position, until the signer is no more. */
  async harass(signer: SignerProcess): Promise<void> {
    const ended = new AbortController();
    void signer.exited.then(() => ended.abort());
    // Where the last life ended: what it had promised must still hold.
    this.#position = Math.max(0, this.#position - 2);
    let connections: readonly (ScriptedConnection | undefined)[] = this.#nodes.map(() => undefined);
    while (signer.isAlive) {
      connections = await Promise.all(
        this.#nodes.map((node, i) => this.#askBoth(node, connections[i], ended.signal)),
      );
      this.#position++;
    }
    for (const connection of connections) await connection?.[Symbol.asyncDispose]();
  }

  /** Resolves after `count` more answers, or when the signer is no more. */
  async untilAnswers(count: number, signer: SignerProcess): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let left = count;
    this.#onAnswer = () => {
      if (--left === 0) resolve();
    };
    using limit = systemClock.deadline(START_LIMIT_MS);
    const late = new Promise<never>((_resolve, reject) =>
      limit.signal.addEventListener('abort', () =>
        reject(new Error(`no answer: ${signer.output}`)),
      ),
    );
    await Promise.race([promise, signer.exited, late]);
  }

  /** @returns the connection, for the next position; `undefined` when it broke. */
  async #askBoth(
    node: ScriptedNode,
    open: ScriptedConnection | undefined,
    signal: AbortSignal,
  ): Promise<ScriptedConnection | undefined> {
    const blocks = this.#random.below(2) === 0 ? BLOCKS : BLOCKS.toReversed();
    let connection = open;
    try {
      connection ??= await node.accept({ signal });
      for (const block of blocks) this.#note(await this.#ask(connection, block, signal));
      return connection;
    } catch {
      // The signer was killed. Whatever was on its way is lost, as a crash has it.
      await connection?.[Symbol.asyncDispose]();
      return undefined;
    }
  }

  #ask(
    connection: ScriptedConnection,
    block: number,
    signal: AbortSignal,
  ): Promise<PrivvalResponse> {
    const height = BigInt(1 + Math.floor(this.#position / 6));
    const round = Math.floor((this.#position % 6) / 3);
    const type = STEPS[this.#position % 3] ?? 'propose';
    const wanted = { height, round, block, seconds: 1_700_000_000 + this.#random.below(3) };
    return type === 'propose'
      ? connection.signProposal(scriptedProposal(wanted), { signal })
      : connection.signVote(scriptedVote({ ...wanted, type }), { signal });
  }

  #note(response: PrivvalResponse): void {
    this.#onAnswer();
    if ('error' in response) this.refused++;
    else if (response.kind === 'signed-vote') {
      const { vote } = response;
      this.#keep(vote.type, vote, voteSignBytes(CHAIN_ID, vote));
    } else if (response.kind === 'signed-proposal') {
      const { proposal } = response;
      this.#keep('propose', proposal, proposalSignBytes(CHAIN_ID, proposal));
    }
  }

  #keep(
    step: string,
    message: { readonly height: bigint; readonly round: number; readonly signature: Uint8Array },
    signBytes: Uint8Array,
  ): void {
    this.signed++;
    const at = `${message.height}/${message.round}/${step}`;
    const first = this.#released.get(at) ?? hexFromBytes(signBytes);
    this.#released.set(at, first);
    if (first !== hexFromBytes(signBytes)) this.violations.push(`two messages signed at ${at}`);
    if (!verifyStrict(this.#publicKey, signBytes, message.signature)) {
      this.violations.push(`a signature that is none at ${at}`);
    }
  }
}

test(`S8, S10: over ${KILLS} kills of signer serve no two messages are signed at one position`, async () => {
  using folder = new ScratchFolder();
  const at = { home: folder.join('home'), cache: folder.path };
  const paths = [folder.join('a.sock'), folder.join('b.sock')];
  await runSigner(
    at,
    'init',
    '--chain-id',
    CHAIN_ID,
    ...paths.flatMap((path) => ['--node', `unix://${path}`]),
  );
  const publicKey = ed25519PublicKey(
    bytesFromHex(await runSigner(at, 'keys', 'show', '--format', 'hex')),
  );
  await using resources = new AsyncDisposableStack();
  const nodes: ScriptedNode[] = [];
  for (const path of paths) {
    const node = await ScriptedNode.listen({ chainId: CHAIN_ID, transport: 'unix', path });
    nodes.push(resources.use(node));
  }
  const random = new SeededRandom(3);
  const hostile = new HostileNodes(random, publicKey, nodes);
  for (let life = 0; life < KILLS; life++) {
    await using signer = new SignerProcess(at);
    const harassing = hostile.harass(signer);
    await hostile.untilAnswers(1 + random.below(MAX_ANSWERS), signer);
    if (random.below(2) === 0) await systemClock.sleep(random.uniform() * MAX_DELAY_MS);
    expect(signer.isAlive, signer.output).toBe(true);
    signer.kill();
    await harassing;
    expect(hostile.violations, `in life ${life}`).toEqual([]);
  }
  expect(hostile.signed).toBeGreaterThan(KILLS);
  expect(hostile.refused).toBeGreaterThan(KILLS);
});
