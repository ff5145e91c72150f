/**
 * Records what stock nodes say over their RPC while a validator is added, replaced and removed, into
 * `test/vectors/rpc/`: `node test/interop/rotation/record-rpc-vectors.ts [NODE…]`. Run by hand, when a version joins.
 */
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { systemClock } from '@privval/proto/runtime/clock';
import { NodeHome } from '../peers/node-home.ts';
import { NodeRpc, NodeRpcError } from '../peers/node-rpc.ts';
import { PeerProcess } from '../peers/peer-process.ts';
import { type NodeName, peerBinary, STOCK_NODES } from '../peers/peers.ts';
import { changeSettings } from '../peers/settings.ts';
import { EventStream } from './event-stream.ts';

const VECTORS = resolve(import.meta.dirname, '../../vectors/rpc');
/** Long enough for two transactions to land in one block. */
const TIMEOUT_COMMIT_MS = 700;
const EVENTS = ['NewBlock', 'NewBlockHeader', 'ValidatorSetUpdates'];

/** The form of the built-in application's validator transactions, which changed with v0.38. */
function transaction(node: NodeName, key: string, power: number): string {
  return /0\.3[457]\./.test(node) ? `val:${key}!${power}` : `val=ed25519!${key}!${power}`;
}

/** A key that nobody signs with: base64 of the 32 bytes. */
function strangersKey(): string {
  const { publicKey } = generateKeyPairSync('ed25519');
  return publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64');
}

/** POST, and the whole answer as it is, errors too. */
async function ask(url: string, method: string, params: object = {}): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 7, method, params });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body });
  return { httpStatus: response.status, body: await response.json() };
}

/** GET, as a browser would. */
async function get(url: string, path: string): Promise<unknown> {
  const response = await fetch(`${url}${path}`);
  return { httpStatus: response.status, body: await response.json() };
}

/** What is read of a message; the rest is recorded as it is. */
interface Message {
  readonly result?: {
    readonly query?: string;
    readonly data?: { readonly value: { readonly block?: Headed; readonly header?: Header } };
  };
}

interface Header {
  readonly height: string;
}

interface Headed {
  readonly header: Header;
}

function heightOf({ result }: Message): bigint {
  const value = result?.data?.value;
  return BigInt((value?.block?.header ?? value?.header)?.height ?? 0);
}

async function record(name: NodeName): Promise<void> {
  await using home = await NodeHome.prepare({
    node: name,
    chainId: `vectors-${name}`,
    timeoutCommitMs: TIMEOUT_COMMIT_MS,
  });
  // Else it is the machine's name.
  changeSettings(join(home.directory, 'config', 'config.toml'), [
    { table: '', key: 'moniker', value: 'stock' },
  ]);
  const app = /0\.3[457]\./.test(name) ? 'persistent_kvstore' : 'kvstore';
  const start = (): Promise<PeerProcess> =>
    PeerProcess.start(
      { clock: systemClock },
      {
        title: name,
        command: peerBinary(name),
        args: [...home.facts.start.slice(0, -1), app, '--home', home.directory],
        logPath: join(home.directory, 'node.log'),
      },
    );
  await using stack = new AsyncDisposableStack();
  let node = stack.use(await start());
  const rpc = new NodeRpc(home.rpcUrl);
  using deadline = systemClock.deadline(60_000);
  const { signal } = deadline;
  const until = async (height: bigint): Promise<bigint> => {
    for (;;) {
      try {
        const { height: at } = await rpc.status({ signal });
        if (at >= height) return at;
      } catch (error) {
        if (!(error instanceof NodeRpcError) || !node.running) throw error;
      }
      await systemClock.sleep(30, { signal });
    }
  };
  await until(3n);
  await using stream = await EventStream.open(home.rpcUrl, { signal });
  EVENTS.forEach((event, index) => {
    stream.request(index + 1, 'subscribe', { query: `tm.event='${event}'` });
  });
  stream.request(90, 'subscribe', { query: 'nonsense' });
  stream.request(91, 'no_such_method', {});

  const send = async (...transactions: readonly string[]): Promise<bigint> => {
    const before = await until((await until(1n)) + 1n);
    for (const text of transactions) {
      const answer = await ask(home.rpcUrl, 'broadcast_tx_sync', {
        tx: Buffer.from(text).toString('base64'),
      });
      broadcasts.push({ text, answer });
    }
    // The transactions of both kinds land in the block after the one that was just made.
    await until(before + 4n);
    return before + 1n;
  };
  const broadcasts: unknown[] = [];
  const [first, second] = [strangersKey(), strangersKey()];
  const added = await send(transaction(name, first, 1));
  const replaced = await send(transaction(name, second, 1), transaction(name, first, 0));
  const removed = await send(transaction(name, second, 0));

  const { url } = rpc;
  const at = (method: string, height: bigint): Promise<unknown> =>
    ask(url, method, { height: String(height) });
  const beyond = removed + 1000n;
  const answers = {
    status: await ask(url, 'status'),
    statusByGet: await get(url, '/status'),
    genesis: await ask(url, 'genesis'),
    validatorsNow: await ask(url, 'validators'),
    validatorsAtReplacement: await at('validators', replaced + 2n),
    validatorsByGet: await get(url, `/validators?height=${replaced + 2n}&per_page=100`),
    blockResultsWithout: await at('block_results', added - 1n),
    blockResultsAdded: await at('block_results', added),
    blockResultsReplaced: await at('block_results', replaced),
    blockResultsRemoved: await at('block_results', removed),
    header: await at('header', replaced + 1n),
    block: await at('block', replaced),
    commit: await at('commit', replaced + 2n),
    commitOfTip: await ask(url, 'commit'),
    blockchain: await ask(url, 'blockchain', {
      minHeight: String(replaced),
      maxHeight: String(replaced + 2n),
    }),
    consensusParams: await at('consensus_params', replaced),
    abciInfo: await ask(url, 'abci_info'),
    beyondTip: {
      block: await at('block', beyond),
      header: await at('header', beyond),
      commit: await at('commit', beyond),
      validators: await at('validators', beyond),
      blockResults: await at('block_results', beyond),
    },
    heightZero: await at('block_results', 0n),
    noSuchMethod: await ask(url, 'no_such_method'),
  };
  const wanted = new Set([added - 1n, added, replaced, removed]);
  const messages = stream.messages.map(({ text }) => JSON.parse(text) as Message);
  const eventsOf = (event: string): readonly Message[] =>
    messages
      .filter(({ result }) => result?.query === `tm.event='${event}'`)
      .filter((message) => event === 'ValidatorSetUpdates' || wanted.has(heightOf(message)));
  const events = Object.fromEntries(EVENTS.map((event) => [event, eventsOf(event)]));
  const replies = messages.filter(({ result }) => result?.query === undefined);
  // A node that keeps no results says so, of old heights too.
  let discarded: unknown = null;
  if (/0\.3[789]|0\.40|1\.0/.test(name)) {
    await node.stop();
    changeSettings(join(home.directory, 'config', 'config.toml'), [
      { table: 'storage', key: 'discard_abci_responses', value: true },
    ]);
    node = stack.use(await start());
    const tip = await until(removed + 5n);
    discarded = { old: await at('block_results', removed), tip: await at('block_results', tip) };
  }
  const vector = {
    node: name,
    chainId: home.chainId,
    heights: { added: String(added), replaced: String(replaced), removed: String(removed) },
    keys: { first, second, own: home.validator.value },
    replies,
    events,
    broadcasts,
    answers: { ...answers, discarded },
  };
  writeFileSync(join(VECTORS, `${name}.json`), `${JSON.stringify(vector, null, 2)}\n`);
  const counts = EVENTS.map((event) => `${event} ${events[event]?.length}`).join(', ');
  process.stdout.write(`${name}: ${counts}; ${replies.length} replies\n`);
}

const chosen = process.argv.slice(2);
for (const { name } of STOCK_NODES) {
  if (chosen.length === 0 || chosen.includes(name)) await record(name);
}
