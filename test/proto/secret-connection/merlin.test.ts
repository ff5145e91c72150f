import { createHash } from 'node:crypto';
import { bytesFromHex, hexFromBytes, utf8Bytes } from '@privval/proto/runtime/bytes';
import { MerlinTranscript } from '@privval/proto/secret-connection/merlin';
import { Strobe128 } from '@privval/proto/secret-connection/strobe';
import { describe, expect, test } from 'vitest';

/** Position, begin of the operation, SHA-256 of the state: the checkpoints of spec/privval.md 4.3. */
function checkpoint(strobe: { inspect: Strobe128['inspect'] }): [number, number, string] {
  const { position, positionBegin, state } = strobe.inspect();
  return [position, positionBegin, createHash('sha256').update(state).digest('hex')];
}

describe('STROBE-128', () => {
  test('stands where the checkpoint says after its label', () => {
    expect(checkpoint(new Strobe128(utf8Bytes('Merlin v1.0')))).toEqual([
      13,
      1,
      'd677075c5d3a5a956f06783e495d982e3b05af66e857fc2b22f355b4bea3fc24',
    ]);
  });

  test('gives the same output when meta-data is absorbed in one piece or continued', () => {
    const whole = new Strobe128(utf8Bytes('test'));
    whole.metaAd(utf8Bytes('ab'), false);
    const parts = new Strobe128(utf8Bytes('test'));
    parts.metaAd(utf8Bytes('a'), false);
    parts.metaAd(utf8Bytes('b'), true);
    expect(parts.prf(32)).toEqual(whole.prf(32));
  });

  test('takes continuing another operation for a bug', () => {
    const strobe = new Strobe128(utf8Bytes('test'));
    strobe.metaAd(utf8Bytes('a'), false);
    expect(() => strobe.ad(utf8Bytes('b'), true)).toThrow(
      expect.objectContaining({ code: 'ERR_INVARIANT' }),
    );
  });

  test('holds nothing once disposed', () => {
    const strobe = new Strobe128(utf8Bytes('test'));
    strobe[Symbol.dispose]();
    expect(strobe.inspect().state).toEqual(new Uint8Array(200));
  });
});

describe('a Merlin transcript', () => {
  test('gives the challenge gtank/merlin and the Rust crate give', () => {
    const transcript = new MerlinTranscript('test protocol');
    transcript.append('some label', utf8Bytes('some data'));
    expect(hexFromBytes(transcript.challenge('challenge', 32))).toBe(
      'd5a21972d0d5fe320c0d263fac7fffb8145aa640af6e9bca177c03c7efcf0615',
    );
  });

  test('gives their challenge over long data and challenges that were fed back', () => {
    const transcript = new MerlinTranscript('test protocol');
    transcript.append('step1', utf8Bytes('some data'));
    let challenge: Uint8Array = new Uint8Array(0);
    for (let i = 0; i < 32; i++) {
      challenge = transcript.challenge('challenge', 32);
      transcript.append('bigdata', new Uint8Array(1024).fill(0x63));
      transcript.append('challengedata', challenge);
    }
    expect(hexFromBytes(challenge)).toBe(
      'a8c933f54fae76e3f9bea93648c1308e7dfa2152dd51674ff3ca438351cf003c',
    );
  });

  test('stands where the checkpoints say at every step of the handshake of 4.5', () => {
    const transcript = new MerlinTranscript('TENDERMINT_SECRET_CONNECTION_TRANSCRIPT_HASH');
    expect(checkpoint(transcript)).toEqual([
      72,
      27,
      '084c8856ef86528fd3852de908ff0b9c491454344b6cc8a8be5ceb702640cfc7',
    ]);
    const steps = [
      [
        'EPHEMERAL_LOWER_PUBLIC_KEY',
        '2faa1fdf0320284c3f8aae4f30c89f02bffac563155ddd572e887214464f5463',
        [138, 105, '1d89a65e282f8a3deb983ccef76e8c565cf5a7acb472f765777e9ee2839a679c'],
      ],
      [
        'EPHEMERAL_UPPER_PUBLIC_KEY',
        'b129035e9bfe7416c0288b0f0914faee07392ed5ce9073ee0d13ae6f7654f07a',
        [38, 5, '46b41c5fb15556df32cc29dda37e432d5f78a0bf293b565c7b023e08456cf3cc'],
      ],
      [
        'DH_SECRET',
        'e54f54a0838e03c63273aee320d2d3f14a3aabd298a996413112936fee17f934',
        [87, 54, 'e1bc6f5e8c3f0c6bf7d5be5b1e55293f57776c991e92b774ba9a2212e2b9a813'],
      ],
    ] as const;
    for (const [label, message, expected] of steps) {
      transcript.append(label, bytesFromHex(message));
      expect(checkpoint(transcript)).toEqual(expected);
    }
    expect(hexFromBytes(transcript.challenge('SECRET_CONNECTION_MAC', 32))).toBe(
      '70b010a2046dfb82686c3d99653b929c9b3f82dee346434b0265841916fe24c8',
    );
  });
});
