import {
  formatSignerAddress,
  parseSignerAddress,
  type SignerAddress,
} from '@privval/node-client/privval/signer-address';
import { expect, test } from 'vitest';

const ID = '12D3KooWJWoaqZhDaoEFshF7Rh1bpY9ohihFhzcW6d69Lr2NASuq';

test.each<readonly [string, SignerAddress]>([
  ['tcp://127.0.0.1:26659', { kind: 'tcp', host: '127.0.0.1', port: 26659 }],
  ['tcp://0.0.0.0:0', { kind: 'tcp', host: '0.0.0.0', port: 0 }],
  ['tcp://[::1]:26659', { kind: 'tcp', host: '::1', port: 26659 }],
  ['tcp://node.example.org:1', { kind: 'tcp', host: 'node.example.org', port: 1 }],
  ['unix:///run/node/privval.sock', { kind: 'unix', path: '/run/node/privval.sock' }],
  ['unix://privval.sock', { kind: 'unix', path: 'privval.sock' }],
  [
    `noise://${ID}@127.0.0.1:26659`,
    { kind: 'noise', signerId: ID, host: '127.0.0.1', port: 26659 },
  ],
  [`noise://${ID}@[2001:db8::1]:7`, { kind: 'noise', signerId: ID, host: '2001:db8::1', port: 7 }],
  ['grpc://signer:26660', { kind: 'grpc', tls: false, host: 'signer', port: 26660 }],
  ['grpcs://signer:26660', { kind: 'grpc', tls: true, host: 'signer', port: 26660 }],
])('%s is read, and printed as it was', (text, address) => {
  expect(parseSignerAddress(text)).toEqual(address);
  expect(formatSignerAddress(address)).toBe(text);
});

test('an address without a scheme is tcp, as for stock nodes', () => {
  expect(parseSignerAddress('127.0.0.1:26659')).toEqual(
    parseSignerAddress('tcp://127.0.0.1:26659'),
  );
});

test.each([
  ['', 'expected host:port'],
  ['tcp://', 'expected host:port'],
  ['tcp://127.0.0.1', 'expected host:port'],
  ['tcp://:26659', 'the host is missing'],
  ['tcp://127.0.0.1:65536', 'above 65535'],
  ['tcp://127.0.0.1:123456', 'expected host:port'],
  ['tcp://::1:26659', 'expected host:port'],
  ['tcp://[localhost]:1', 'not an IPv6 address'],
  ['tcp://a@127.0.0.1:1', 'expected host:port'],
  ['unix://', 'the path is missing'],
  ['udp://127.0.0.1:1', 'unknown scheme "udp"'],
  ['noise://127.0.0.1:26659', 'the id of the signer is missing'],
  [`noise://${ID}@node.example.org:1`, 'not an IP address'],
  [`noise://${ID}@2001:db8::1:1`, 'expected host:port'],
  ['noise://0000@127.0.0.1:1', 'not a libp2p peer id'],
  ['grpc://signer:0', 'port 0 cannot be dialed'],
])('"%s" is refused: %s', (text, reason) => {
  expect(() => parseSignerAddress(text)).toThrow(
    expect.objectContaining({
      code: 'ERR_INVALID_SIGNER_ADDRESS',
      message: expect.stringContaining(reason),
    }),
  );
});
