import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { HttpReplyReader } from 'yubihsm/connector/http-reply-reader';
import { SeededRandom } from '../../harness/seeded-random.ts';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
const text = (body: Uint8Array): string => Buffer.from(body).toString('latin1');
const OK = 'HTTP/1.1 200 OK\r\n';

/** What a reader makes of these pieces: an answer, an error's code, or nothing yet. */
function read(pieces: readonly Uint8Array[], maxBodyBytes = 20): unknown {
  const reader = new HttpReplyReader('http://connector', maxBodyBytes);
  for (const piece of pieces) {
    try {
      const reply = reader.push(piece);
      if (reply !== undefined) return { ...reply, body: text(reply.body) };
    } catch (error) {
      return (error as { readonly code?: unknown }).code;
    }
  }
  const last = reader.end();
  return last === undefined ? 'incomplete' : { ...last, body: text(last.body) };
}

const always = Number.POSITIVE_INFINITY;

const ANSWERS: readonly (readonly [string, string, object])[] = [
  ['a length', `${OK}Content-Length: 4\r\n\r\nabcd`, { body: 'abcd', keepMs: always }],
  ['a length of nothing', `${OK}Content-Length: 0\r\n\r\n`, { body: '', keepMs: always }],
  ['names in any case', `${OK}cOnTeNt-LeNgTh:4\r\n\r\nabcd`, { body: 'abcd', keepMs: always }],
  ['blanks around values', `${OK}Content-Length: \t 4 \t\r\n\r\nabcd`, { body: 'abcd' }],
  ['no reason', 'HTTP/1.1 200\r\nContent-Length: 1\r\n\r\na', { status: 200, body: 'a' }],
  ['an empty reason', 'HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\na', { status: 200, body: 'a' }],
  ['the end of the connection', `${OK}\r\nabcd`, { body: 'abcd', keepMs: 0 }],
  ['the end, and no body', `${OK}\r\n`, { body: '', keepMs: 0 }],
  [
    'chunks',
    `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n`,
    { body: 'abc0123456789', keepMs: always },
  ],
  [
    'chunks with extensions and trailers',
    `${OK}Transfer-Encoding: Chunked\r\n\r\n3;a="b"\r\nabc\r\n0\r\nX: y\r\nZ: 1\r\n\r\n`,
    { body: 'abc', keepMs: always },
  ],
  [
    'chunks of nothing',
    `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    { body: '', keepMs: always },
  ],
  [
    'heads before the answer',
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: a\r\n\r\n${OK}Content-Length: 1\r\n\r\na`,
    { status: 200, body: 'a', keepMs: always },
  ],
  [
    'a status that has no body, whatever it says',
    'HTTP/1.1 204 No\r\nContent-Length: 6\r\n\r\n',
    { status: 204, body: '', keepMs: always },
  ],
  ['an error', 'HTTP/1.1 500 E\r\nContent-Length: 2\r\n\r\nno', { status: 500, body: 'no' }],
  ['the older protocol', 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na', { body: 'a', keepMs: 0 }],
  [
    'the older protocol that keeps',
    'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na',
    { body: 'a', keepMs: always },
  ],
  [
    'a connection that is to close, among other words',
    `${OK}Connection: x , CLOSE\r\nContent-Length: 1\r\n\r\na`,
    { body: 'a', keepMs: 0 },
  ],
  [
    'a connection that is to close, in a line of its own',
    `${OK}Connection: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\na`,
    { body: 'a', keepMs: 0 },
  ],
  [
    'a time',
    `${OK}Keep-Alive: max=9, timeout=30\r\nContent-Length: 1\r\n\r\na`,
    { body: 'a', keepMs: 29_000 },
  ],
];

describe('an answer', () => {
  test.each(ANSWERS)('with %s', (_, answer, expected) => {
    expect(read([bytes(answer)])).toMatchObject(expected);
  });

  test.each(ANSWERS)('with %s may arrive in any pieces', (_, answer, expected) => {
    const all = bytes(answer);
    for (let cut = 0; cut <= all.length; cut++) {
      expect(read([all.subarray(0, cut), all.subarray(cut)])).toMatchObject(expected);
    }
    expect(read([...all].map((byte) => Uint8Array.of(byte)))).toMatchObject(expected);
  });

  test.each(ANSWERS)('with %s is not whole before its last byte', (_, answer, expected) => {
    if ('keepMs' in expected && expected.keepMs === 0 && !answer.includes('Length')) return;
    const all = bytes(answer);
    for (let cut = 0; cut < all.length; cut++) {
      expect(read([all.subarray(0, cut)])).toBe('incomplete');
    }
  });

  test('takes what is behind it for a reason not to use the connection again', () => {
    expect(read([bytes(`${OK}Content-Length: 1\r\n\r\nab`)])).toEqual({
      status: 200,
      body: 'a',
      keepMs: 0,
    });
  });

  test('has a copy of its bytes', () => {
    const piece = bytes(`${OK}Content-Length: 1\r\n\r\na`);
    const reply = new HttpReplyReader('here', 10).push(piece);
    piece.fill(0);
    expect(reply?.body).toEqual(bytes('a'));
  });
});

describe('what is no answer', () => {
  test.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['another version', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 99 OK\r\n\r\n'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['a status that is a word', 'HTTP/1.1 abc OK\r\n\r\n'],
    ['a status beyond 599', 'HTTP/1.1 600 OK\r\n\r\n'],
    ['a change of the protocol', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n'],
    ['lines that end with a bare line feed', 'HTTP/1.1 200 OK\nContent-Length: 1\n\na'],
    ['one such line', `${OK}X: a\nContent-Length: 1\r\n\r\na`],
    ['a line without a colon', `${OK}Content-Length 1\r\n\r\na`],
    ['a blank before the colon', `${OK}Content-Length : 1\r\n\r\na`],
    ['a line that goes on in the next', `${OK}X: a\r\n b\r\nContent-Length: 1\r\n\r\na`],
    ['a line without a name', `${OK}: 1\r\n\r\na`],
    ['a control character', `${OK}X: \x00\r\nContent-Length: 1\r\n\r\na`],
    ['a carriage return alone', `${OK}X: a\rb\r\nContent-Length: 1\r\n\r\na`],
    ['a length in words', `${OK}Content-Length: four\r\n\r\nabcd`],
    ['an empty length', `${OK}Content-Length: \r\n\r\nabcd`],
    ['a negative length', `${OK}Content-Length: -1\r\n\r\nabcd`],
    ['a length with a sign', `${OK}Content-Length: +4\r\n\r\nabcd`],
    ['a hexadecimal length', `${OK}Content-Length: 0x4\r\n\r\nabcd`],
    ['two lengths', `${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
    ['one length twice', `${OK}Content-Length: 1\r\ncontent-length: 1\r\n\r\na`],
    ['a list of lengths', `${OK}Content-Length: 1, 1\r\n\r\na`],
    [
      'a length beside chunks',
      `${OK}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['another coding', `${OK}Transfer-Encoding: gzip\r\n\r\n`],
    ['two codings', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    [
      'chunks of the older protocol',
      'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a chunk without a size', `${OK}Transfer-Encoding: chunked\r\n\r\n\r\n`],
    ['a chunk of a negative size', `${OK}Transfer-Encoding: chunked\r\n\r\n-1\r\n`],
    ['a chunk of a size without end', `${OK}Transfer-Encoding: chunked\r\n\r\n000000001\r\na`],
    ['a chunk that does not end', `${OK}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n`],
    ['a chunk that ends with a line feed', `${OK}Transfer-Encoding: chunked\r\n\r\n1\na`],
    ['a chunk with a long line', `${OK}Transfer-Encoding: chunked\r\n\r\n1;${'x'.repeat(300)}`],
    ['a head without end', `${OK}X: ${'x'.repeat(20_000)}`],
    ['heads without end', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(1_000)],
    [
      'trailers without end',
      `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n${'X: y\r\n'.repeat(4_000)}`,
    ],
    [
      'chunks of one byte with long lines',
      `${OK}Transfer-Encoding: chunked\r\n\r\n${`1;${'x'.repeat(200)}\r\na\r\n`.repeat(100)}`,
    ],
  ])('%s is garbage', (_, answer) => {
    const all = bytes(answer);
    expect(read([all], 1_000)).toBe('ERR_YUBIHSM_GARBAGE_REPLY');
    expect(
      read(
        [...all].map((byte) => Uint8Array.of(byte)),
        1_000,
      ),
    ).toBe('ERR_YUBIHSM_GARBAGE_REPLY');
  });

  test.each([
    ['says so', `${OK}Content-Length: 21\r\n\r\n`],
    ['says so of a chunk', `${OK}Transfer-Encoding: chunked\r\n\r\n15\r\n`],
    ['is in chunks', `${OK}Transfer-Encoding: chunked\r\n\r\n10\r\n${'x'.repeat(16)}\r\n5\r\n`],
    ['does not say so', `${OK}\r\n${'x'.repeat(21)}`],
  ])('a body that is too long and %s is refused before it is here', (_, answer) => {
    expect(read([bytes(answer)], 20)).toBe('ERR_YUBIHSM_OVERSIZE_REPLY');
  });

  test.each([
    ['a head', OK],
    ['a body of a length', `${OK}Content-Length: 4\r\n\r\nabc`],
    ['chunks', `${OK}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`],
    ['chunks without the last line', `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n`],
  ])('%s that the connection cuts is not whole', (_, answer) => {
    expect(read([bytes(answer)])).toBe('incomplete');
  });

  test('any bytes are an answer, none yet, or refused by a code', () => {
    const random = new SeededRandom(7);
    const words = [OK, 'Content-Length: 3\r\n', 'Transfer-Encoding: chunked\r\n', '\r\n'];
    const more = ['3\r\nabc\r\n', '0\r\n', '\n', '\r', 'abc', '\x00', ':', ' ', 'HTTP/1.1 100\r\n'];
    const all = [...words, ...words, ...more];
    for (let round = 0; round < 5_000; round++) {
      const count = 1 + random.below(8);
      const pieces = Array.from({ length: count }, () =>
        bytes(all[random.below(all.length)] ?? ''),
      );
      const whole = read(pieces);
      if (typeof whole === 'string') {
        expect(whole).toMatch(/^(incomplete|ERR_YUBIHSM_(GARBAGE|OVERSIZE)_REPLY)$/);
      } else {
        expect(whole).toMatchObject({ status: 200, body: expect.any(String) });
      }
    }
  });
});

test.each([0, 1, 100, 3_000])('reads what a server of Node writes: %i bytes', async (count) => {
  const body = Buffer.alloc(count, 'y');
  await using server = createServer((request, response) => {
    // With one of them Node announces the length, with the other it sends chunks.
    if (request.url === '/length') response.end(body);
    else response.write(body.subarray(0, 10), () => response.end(body.subarray(10)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  for (const path of ['/length', '/chunks']) {
    const reader = new HttpReplyReader('here', 3_139);
    const socket = connect(port, '127.0.0.1');
    socket.write(`GET ${path} HTTP/1.1\r\nHost: here\r\n\r\n`);
    for await (const chunk of socket) {
      const reply = reader.push(chunk);
      if (reply === undefined) continue;
      expect(reply).toEqual({ status: 200, body: new Uint8Array(body), keepMs: 4_000 });
      break;
    }
  }
});
