import { parseConfig } from '@privval/signer/config/config';
import { withNodeLists } from '@privval/signer/config/config-edits';
import { describe, expect, test } from 'vitest';

const TWO = `# the house's signer
[log]
level = "info"

[[validator]]
name = "one" # the first
chain_id = "chain-a"
key_file = "keys/one.json"
nodes = [
  "tcp://10.0.0.1:1", # a ] in a comment
  "unix:///run/a[1]",
]

[validator.grpc]
listen = "127.0.0.1:9"
insecure = true

[[validator]]
name = "two"
chain_id = "chain-b"
key_file = "keys/two.json"
nodes = ["tcp://10.0.0.2:2"]
rpc = ["http://10.0.0.2:26657"]
`;

function listsOf(text: string, index: number): unknown {
  const { nodes, rpcs, witnesses } = parseConfig(text, '/home', { environment: {} }).validators[
    index
  ] ?? { nodes: [], rpcs: [], witnesses: [] };
  return { nodes: nodes.length, rpcs, witnesses };
}

describe('other nodes in a file that a person wrote', () => {
  test('a list over several lines becomes one line, and nothing else changes', () => {
    const lists = { nodes: ['tcp://10.0.0.9:9'], rpcs: [], witnesses: [] };
    const edited = withNodeLists(TWO, 0, lists);
    const before = TWO.slice(0, TWO.indexOf('nodes = ['));
    const after = TWO.slice(TWO.indexOf('\n\n[validator.grpc]'));
    expect(edited).toBe(`${before}nodes = ["tcp://10.0.0.9:9"]${after}`);
  });

  test('the second validator is another place', () => {
    const lists = {
      nodes: ['tcp://10.0.0.2:2', 'tcp://10.0.0.3:3'],
      rpcs: ['', 'http://10.0.0.3:26657'],
      witnesses: ['https://rpc.example.org'],
    };
    const edited = withNodeLists(TWO, 1, lists) ?? '';
    expect(listsOf(edited, 0)).toEqual(listsOf(TWO, 0));
    expect(listsOf(edited, 1)).toEqual({
      nodes: 2,
      rpcs: [undefined, 'http://10.0.0.3:26657'],
      witnesses: ['https://rpc.example.org'],
    });
    expect(edited).toContain("# the house's signer");
  });

  test('lists that were not there come, and lists that are empty stay away', () => {
    const lists = {
      nodes: ['tcp://10.0.0.1:1'],
      rpcs: ['http://10.0.0.1:26657'],
      witnesses: ['http://10.0.0.7:26657'],
    };
    const edited = withNodeLists(TWO, 0, lists) ?? '';
    expect(listsOf(edited, 0)).toEqual({
      nodes: 1,
      rpcs: ['http://10.0.0.1:26657'],
      witnesses: ['http://10.0.0.7:26657'],
    });
    expect(withNodeLists(TWO, 0, { ...lists, rpcs: ['', ''], witnesses: [] })).not.toContain(
      'witnesses',
    );
  });

  test('what cannot be seen is left to a person', () => {
    const inline = 'validator = [{ name = "one", chain_id = "c", nodes = ["tcp://10.0.0.1:1"] }]\n';
    const lists = { nodes: ['tcp://10.0.0.9:9'], rpcs: [], witnesses: [] };
    expect(withNodeLists(inline, 0, lists)).toBeUndefined();
  });
});
