import {
  addressWarnings,
  InvalidNodeAddressError,
  isLoopbackHost,
  type NodeAddressPart,
  parseEndpoint,
  parseNodeAddress,
  printNodeAddress,
} from '@privval/signer/connection/node-address';
import { describe, expect, it } from 'vitest';

const NODE_ID = '53ac1ab90ae04fe50c1ed6293c1fde802858bf87';
const PEER_ID = '12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5';
const PEER_ID_AS_CID = 'bafzaajaiaejcbcui4poxicprsx6vfwznhs5f24wkm4e36hmucin7g5eiag2a6324';

describe('a node address', () => {
  it.each([
    ['tcp://10.0.0.1:26659', { scheme: 'tcp', host: '10.0.0.1', port: 26659, nodeId: undefined }],
    [
      `tcp://${NODE_ID}@node-1.example.org:26659`,
      { scheme: 'tcp', host: 'node-1.example.org', port: 26659, nodeId: NODE_ID },
    ],
    ['tcp://[::1]:1', { scheme: 'tcp', host: '::1', port: 1, nodeId: undefined }],
    ['tcp://my_node:65535', { scheme: 'tcp', host: 'my_node', port: 65535, nodeId: undefined }],
    ['unix:///run/node/privval.sock', { scheme: 'unix', path: '/run/node/privval.sock' }],
    ['unix://data/privval.sock', { scheme: 'unix', path: 'data/privval.sock' }],
    [
      `noise://${PEER_ID}@127.0.0.1:26659`,
      { scheme: 'noise', host: '127.0.0.1', port: 26659, peerId: PEER_ID },
    ],
    [
      `noise://${PEER_ID_AS_CID}@[2001:db8::1]:26659`,
      { scheme: 'noise', host: '2001:db8::1', port: 26659, peerId: PEER_ID_AS_CID },
    ],
  ])('%s is read in every part and printed back', (text, address) => {
    expect(parseNodeAddress(text)).toEqual(address);
    expect(printNodeAddress(parseNodeAddress(text))).toBe(text);
  });

  it('without a scheme is tcp, as on the node', () => {
    expect(parseNodeAddress('localhost:26659')).toEqual(parseNodeAddress('tcp://localhost:26659'));
    expect(printNodeAddress(parseNodeAddress(`${NODE_ID}@[::1]:7`))).toBe(
      `tcp://${NODE_ID}@[::1]:7`,
    );
  });

  it('may pin its id in capitals', () => {
    expect(parseNodeAddress(`tcp://${NODE_ID.toUpperCase()}@h:1`)).toMatchObject({
      nodeId: NODE_ID,
    });
  });

  it.each<[string, NodeAddressPart]>([
    ['', 'host'],
    ['tcp://', 'host'],
    ['tcp://:26659', 'host'],
    ['tcp://host', 'port'],
    ['tcp://host:', 'port'],
    ['tcp://host:0', 'port'],
    ['tcp://host:65536', 'port'],
    ['tcp://host:-1', 'port'],
    ['tcp://host:+1', 'port'],
    ['tcp://host:1e3', 'port'],
    ['tcp://host:26659/', 'port'],
    ['tcp://host:26659 ', 'port'],
    ['tcp:// host:26659', 'host'],
    ['tcp://ho st:26659', 'host'],
    ['tcp://-host:26659', 'host'],
    ['tcp://host..a:26659', 'host'],
    ['tcp://1.2.3.256:26659', 'host'],
    ['tcp://1.2.3:26659', 'host'],
    [`tcp://${'a'.repeat(64)}:1`, 'host'],
    ['tcp://::1:26659', 'host'],
    ['tcp://[::1:26659', 'host'],
    ['tcp://[fe80::zz]:26659', 'host'],
    ['tcp://[1.2.3.4]:26659', 'host'],
    ['tcp://[::1]', 'port'],
    ['tcp://[::1]26659', 'host'],
    ['tcp://@host:26659', 'node id'],
    [`tcp://${NODE_ID.slice(1)}@host:26659`, 'node id'],
    [`tcp://g${NODE_ID.slice(1)}@host:26659`, 'node id'],
    [`tcp://${PEER_ID}@host:26659`, 'node id'],
    ['unix://', 'path'],
    [`unix:///${'a'.repeat(107)}`, 'path'],
    ['unix:///a\0b', 'path'],
    ['noise://1.2.3.4:26659', 'peer id'],
    ['noise://@1.2.3.4:26659', 'peer id'],
    [`noise://${NODE_ID}@1.2.3.4:26659`, 'peer id'],
    [`noise://${PEER_ID}@node.example.org:26659`, 'host'],
    [`noise://${PEER_ID}@[fe80::1%eth0]:26659`, 'host'],
    [`noise://${PEER_ID}@2001:db8::1:26659`, 'host'],
    [`noise://${PEER_ID}@:26659`, 'host'],
    [`noise://${PEER_ID}@1.2.3.4`, 'port'],
    ['grpc://host:26659', 'scheme'],
    ['http://host:26659', 'scheme'],
    ['TCP://host:26659', 'scheme'],
    ['://host:26659', 'scheme'],
  ])('%j is refused, naming its %s', (text, part) => {
    let error: unknown;
    try {
      parseNodeAddress(text);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(InvalidNodeAddressError);
    expect(error).toMatchObject({ code: 'ERR_INVALID_NODE_ADDRESS', part, address: text });
  });

  it('of a unix socket may have the longest path there is, counted in bytes', () => {
    expect(parseNodeAddress(`unix:///${'a'.repeat(106)}`)).toMatchObject({ scheme: 'unix' });
    expect(() => parseNodeAddress(`unix:///${'é'.repeat(54)}`)).toThrow(InvalidNodeAddressError);
  });
});

describe('what an operator is told of an address', () => {
  it.each([
    ['tcp://10.0.0.1:26659', 'authenticates nobody'],
    ['tcp://node.example.org:26659', 'authenticates nobody'],
    ['tcp://[2001:db8::1]:26659', 'authenticates nobody'],
    [`tcp://${NODE_ID}@127.0.0.1:26659`, 'new random key'],
  ])('%s: it %s', (text, words) => {
    expect(addressWarnings(parseNodeAddress(text)).join()).toContain(words);
  });

  it.each([
    'tcp://127.0.0.1:26659',
    'tcp://127.9.9.9:26659',
    'tcp://localhost:26659',
    'tcp://[::1]:26659',
    'tcp://[0:0:0:0:0:0:0:1]:26659',
    'unix:///run/privval.sock',
    `noise://${PEER_ID}@10.0.0.1:26659`,
  ])('%s: nothing', (text) => {
    expect(addressWarnings(parseNodeAddress(text))).toEqual([]);
  });

  it('a name that only looks like loopback is not', () => {
    expect(isLoopbackHost('localhost.example.org')).toBe(false);
    expect(isLoopbackHost('127.example.org')).toBe(false);
    expect(isLoopbackHost('::2')).toBe(false);
  });
});

describe('a place to listen', () => {
  it('may leave the port to the kernel only where that is asked for', () => {
    expect(parseEndpoint('127.0.0.1:0', { allowPortZero: true })).toEqual({
      host: '127.0.0.1',
      port: 0,
    });
    expect(() => parseEndpoint('127.0.0.1:0')).toThrow(InvalidNodeAddressError);
    expect(() => parseEndpoint('tcp://127.0.0.1:1')).toThrow(InvalidNodeAddressError);
  });
});
