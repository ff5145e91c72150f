/** Nodes that come and go while a signer runs, and a file that is read anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { silentLogger } from '@privval/proto/runtime/logger';
import { readConfig, type SignerConfig } from '@privval/signer/config/config';
import { printNodeAddress } from '@privval/signer/connection/node-address';
import type { JournalDraft } from '@privval/signer/guard/home-transaction';
import { UnknownValidatorError } from '@privval/signer/guard/sign-state-errors';
import { ConfiguredNodeDesk } from '@privval/signer/nodes/node-desk';
import type { ValidatorOptions } from '@privval/signer/signer-validator';
import { describe, expect, test } from 'vitest';
import { ScratchFolder } from '../../harness/scratch-folder.ts';

const FILE = `# mine
[[validator]]
name = "main"
chain_id = "chain-1"
key_file = "keys/main.json"
nodes = ["tcp://10.0.0.1:1"]
`;
const ACT = { name: 'nodes.add', by: 'ops' };

/** A desk over a file; what it brings into effect is in `validators`. */
class Bench implements Disposable {
  readonly folder = new ScratchFolder();
  readonly path = this.folder.join('signer.toml');
  readonly entries: JournalDraft[] = [];
  readonly levels: string[] = [];
  validators: readonly ValidatorOptions[];
  readonly desk: ConfiguredNodeDesk;

  constructor(file = FILE) {
    this.write(file);
    const config: SignerConfig = readConfig(this.folder.path, { environment: {} });
    this.validators = config.validators;
    this.desk = new ConfiguredNodeDesk(
      {
        validators: () => this.validators,
        statusOf: (name) => {
          const options = this.validators.find((validator) => validator.name === name);
          if (options === undefined) throw new UnknownValidatorError(name);
          return {
            name,
            chainId: options.chainId,
            publicKey: new Uint8Array(32),
            fault: undefined,
            providers: [],
            floor: { height: 0n, round: 0, step: 'none' },
            grpc: undefined,
            nodes: options.nodes.map((address) => ({
              address: printNodeAddress(address),
              state: 'serving',
              remote: undefined,
              peerId: undefined,
              dialect: 'unknown',
              connectedSinceMs: undefined,
              requests: 0,
              attempts: 1,
              failures: 0,
              lastError: undefined,
            })),
          };
        },
        rpcsOf: () => [],
        committedOn: () => undefined,
        setNodes: async (name, options) => {
          this.validators = this.validators.map((one) => (one.name === name ? options : one));
        },
        setLogLevel: (level) => this.levels.push(level),
        tables: { commit: ({ entries }) => void this.entries.push(...entries) },
        logger: silentLogger,
      },
      { home: this.folder.path, config },
    );
  }

  write(text: string): void {
    writeFileSync(this.path, text, { mode: 0o600 });
  }

  get text(): string {
    return readFileSync(this.path, 'utf8');
  }

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }
}

describe('a node', () => {
  test('that is added is in the file, in force and in the audit log', async () => {
    using bench = new Bench();
    const rows = await bench.desk.add(
      'main',
      { address: 'tcp://10.0.0.2:2', rpc: 'http://10.0.0.2:26657' },
      ACT,
    );
    expect(rows.map(({ address, rpc }) => [address, rpc])).toEqual([
      ['tcp://10.0.0.1:1', null],
      ['tcp://10.0.0.2:2', 'http://10.0.0.2:26657'],
    ]);
    expect(bench.text).toContain('# mine');
    expect(readConfig(bench.folder.path).validators[0]?.rpcs).toEqual([
      undefined,
      'http://10.0.0.2:26657',
    ]);
    expect(bench.entries).toHaveLength(1);
  });

  test('that is added twice is there once, and the second time nothing happens', async () => {
    using bench = new Bench();
    const node = { address: 'tcp://10.0.0.2:2', rpc: undefined };
    const first = await bench.desk.add('main', node, ACT);
    expect(await bench.desk.add('main', node, ACT)).toEqual(first);
    expect(bench.entries).toHaveLength(1);
  });

  test('gets an RPC later, and not another one on top', async () => {
    using bench = new Bench();
    const address = 'tcp://10.0.0.1:1';
    await bench.desk.add('main', { address, rpc: 'http://a:1' }, ACT);
    expect(bench.validators[0]?.rpcs).toEqual(['http://a:1']);
    const other = bench.desk.add('main', { address, rpc: 'http://b:1' }, ACT);
    await expect(other).rejects.toMatchObject({ code: 'ERR_NODE_EXISTS' });
  });

  test('goes with its RPC, the last one does not go', async () => {
    using bench = new Bench();
    await bench.desk.add('main', { address: 'tcp://10.0.0.2:2', rpc: 'http://a:1' }, ACT);
    await bench.desk.remove('main', 'tcp://10.0.0.1:1', ACT);
    expect(bench.validators[0]).toMatchObject({ rpcs: ['http://a:1'] });
    await expect(bench.desk.remove('main', 'tcp://10.0.0.2:2', ACT)).rejects.toMatchObject({
      code: 'ERR_LAST_NODE',
    });
  });

  test('an RPC without a node is a witness, and shown without its password', async () => {
    using bench = new Bench();
    const rpc = 'https://me:secret@rpc.example.org';
    const rows = await bench.desk.add('main', { address: undefined, rpc }, ACT);
    expect(rows.at(-1)).toMatchObject({ address: null, rpc: 'https://rpc.example.org' });
    expect(JSON.stringify([rows, bench.entries])).not.toContain('secret');
    await bench.desk.remove('main', 'https://rpc.example.org', ACT);
    expect(bench.validators[0]?.witnesses).toEqual([]);
  });

  test.each([
    ['an address that is none', 'main', 'here', 'ERR_INVALID_NODE_ADDRESS'],
    ['a validator that is none', 'other', 'tcp://10.0.0.2:2', 'ERR_UNKNOWN_VALIDATOR'],
  ])('is refused: %s', async (_, validator, address, code) => {
    using bench = new Bench();
    const adding = bench.desk.add(validator, { address, rpc: undefined }, ACT);
    await expect(adding).rejects.toMatchObject({ code });
    expect(bench.text).toBe(FILE);
    expect(bench.entries).toEqual([]);
  });

  test('many that are added at once are all there', async () => {
    using bench = new Bench();
    await Promise.all(
      [2, 3, 4, 5].map((n) =>
        bench.desk.add('main', { address: `tcp://10.0.0.${n}:1`, rpc: undefined }, ACT),
      ),
    );
    expect(readConfig(bench.folder.path).validators[0]?.nodes).toHaveLength(5);
  });
});

describe('a reload', () => {
  test('takes nodes and the log level from the file', async () => {
    using bench = new Bench();
    const nodes = FILE.replace('["tcp://10.0.0.1:1"]', '["tcp://10.0.0.1:1", "tcp://10.0.0.3:3"]');
    bench.write(`[log]\nlevel = "debug"\n${nodes}`);
    expect(await bench.desk.reload(ACT)).toEqual({
      changed: ['validator main: nodes', 'log.level'],
      needsRestart: [],
      refused: null,
    });
    expect(bench.levels).toEqual(['debug']);
    expect(bench.validators[0]?.nodes).toHaveLength(2);
    expect(await bench.desk.reload(ACT)).toMatchObject({ changed: [] });
  });

  test('says what only a restart brings into effect', async () => {
    using bench = new Bench();
    bench.write(`${FILE}\n[http]\nlisten = "127.0.0.1:9"\n`);
    expect(await bench.desk.reload(ACT)).toMatchObject({ changed: [], needsRestart: ['http'] });
  });

  test.each([
    ['no TOML', 'nodes = [', 'ERR_CONFIG_SYNTAX'],
    ['an unknown key', `${FILE}colour = "red"\n`, 'ERR_CONFIG_UNKNOWN_KEY'],
    ['S35: another key', FILE.replace('main.json', 'other.json'), 'ERR_RELOAD_REFUSED'],
    ['S35: another chain', FILE.replace('chain-1', 'chain-2'), 'ERR_RELOAD_REFUSED'],
    ['S35: another validator', FILE.replace('"main"', '"other"'), 'ERR_RELOAD_REFUSED'],
  ])('of a file with %s changes nothing and says why', async (_, text, code) => {
    using bench = new Bench();
    bench.write(`${text.replace('10.0.0.1:1', '10.0.0.9:9')}`);
    expect((await bench.desk.reload(ACT)).refused?.code).toBe(code);
    expect(bench.validators[0]?.nodes).toMatchObject([{ host: '10.0.0.1' }]);
    expect(bench.entries).toEqual([]);
    expect(bench.levels).toEqual([]);
  });
});
