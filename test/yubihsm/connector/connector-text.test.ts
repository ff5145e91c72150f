import { describe, expect, test } from 'vitest';
import { parseConnectorStatus } from 'yubihsm/connector/connector-status';
import { parseConnectorUrl } from 'yubihsm/connector/connector-url';

describe('the text of a status', () => {
  test.each([
    [
      'a connector without a device',
      'status=NO_DEVICE\nserial=*\nversion=1.0.2\npid=412\naddress=\nport=12345\n',
      { hasDevice: false, serial: '*', version: '1.0.2' },
    ],
    [
      'a connector that is pinned to a serial',
      'status=OK\nserial=0007550140\nversion=3.0.7\npid=1\naddress=localhost\nport=12345\n',
      { hasDevice: true, serial: '0007550140', version: '3.0.7' },
    ],
    [
      'another order, fewer lines, lines of Windows',
      'port=1\r\nstatus=OK\r\n',
      { hasDevice: true },
    ],
    ['keys and lines that are not known', 'status=OK\nsong=a=b\nhello\n', { hasDevice: true }],
  ])('%s', (_, text, status) => {
    expect(parseConnectorStatus('here', text)).toMatchObject(status);
  });

  test('every field is kept', () => {
    const { fields } = parseConnectorStatus('here', 'status=OK\nsong=a=b\n');
    expect([...fields]).toEqual([
      ['status', 'OK'],
      ['song', 'a=b'],
    ]);
  });

  test.each([
    ['nothing', ''],
    ['keys and values on lines of their own', 'status\nOK\nserial\n*\n'],
    ['another word', 'status=MAYBE\n'],
    ['no status', 'serial=*\n'],
  ])('%s is none', (_, text) => {
    expect(() => parseConnectorStatus('here', text)).toThrow(
      expect.objectContaining({ code: 'ERR_YUBIHSM_MALFORMED_STATUS' }),
    );
  });
});

describe('the address of a connector', () => {
  test.each([
    ['http://127.0.0.1:12345', '127.0.0.1', 12_345, false, 'http://127.0.0.1:12345'],
    ['http://localhost:12345/', 'localhost', 12_345, false, 'http://localhost:12345'],
    ['http://[::1]:12345', '::1', 12_345, false, 'http://[::1]:12345'],
    ['https://hsm.example', 'hsm.example', 443, true, 'https://hsm.example'],
    ['http://hsm.example', 'hsm.example', 80, false, 'http://hsm.example'],
  ])('%s', (text, host, port, isSecure, name) => {
    expect(parseConnectorUrl(text)).toEqual({ host, port, isSecure, name });
  });

  test.each([
    '127.0.0.1:12345',
    'localhost:12345',
    '',
    'ftp://127.0.0.1',
    'http://127.0.0.1:12345/connector/api',
    'http://127.0.0.1:12345/?a=b',
    'http://127.0.0.1:12345/#a',
    'http://user:word@127.0.0.1:12345',
    'http://127.0.0.1:99999',
    'yhusb://serial=0123456789',
  ])('%s is none', (text) => {
    expect(() => parseConnectorUrl(text)).toThrow(
      expect.objectContaining({ code: 'ERR_YUBIHSM_INVALID_CONNECTOR_URL' }),
    );
  });

  test('an error about it does not repeat a password', () => {
    expect(() => parseConnectorUrl('http://user:word@127.0.0.1:12345')).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('word') }),
    );
  });
});
