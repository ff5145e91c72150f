/** RSA keys of exponent 65537, and the paddings the device does itself. */

import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  privateEncrypt,
  publicEncrypt,
} from 'node:crypto';
import { bytesFromHex } from '@privval/proto/runtime/bytes';
import { bytesFromInteger, concat, integerFromBytes, sameBytes, u32 } from '../device/bytes.ts';
import { bitString, integer, oid, sequence } from './der.ts';
import { inverse } from './numbers.ts';

const EXPONENT = 65537n;

/** `DigestInfo` up to the digest (RFC 8017, 9.2), by the digest's length. */
const DIGEST_INFO: ReadonlyMap<number, string> = new Map([
  [20, '3021300906052b0e03021a05000414'],
  [32, '3031300d060960864801650304020105000420'],
  [48, '3041300d060960864801650304020205000430'],
  [64, '3051300d060960864801650304020305000440'],
]);

/** Hashes by the length of their output. */
const HASH_OF_LENGTH: ReadonlyMap<number, string> = new Map([
  [20, 'sha1'],
  [32, 'sha256'],
  [48, 'sha384'],
  [64, 'sha512'],
]);

/** A private key. All numbers big-endian, in the order in which the device exports them. */
export interface RsaKey {
  readonly p: Uint8Array;
  readonly q: Uint8Array;
  readonly dp: Uint8Array;
  readonly dq: Uint8Array;
  readonly qInverse: Uint8Array;
  readonly modulus: Uint8Array;
  readonly privateKey: KeyObject;
}

/** From the two primes. @throws when they do not make a key of `bytes` bytes. */
export function rsaKeyFromPrimes(p: Uint8Array, q: Uint8Array, bytes: number): RsaKey {
  const [pValue, qValue] = [integerFromBytes(p), integerFromBytes(q)];
  const n = pValue * qValue;
  if (n >> BigInt(8 * bytes - 1) !== 1n) throw new RangeError('not a modulus of that length');
  const d = inverse(EXPONENT, (pValue - 1n) * (qValue - 1n));
  const [dp, dq] = [d % (pValue - 1n), d % (qValue - 1n)];
  const qInverse = inverse(qValue, pValue);
  const pkcs1 = sequence(
    ...[0n, n, EXPONENT, d, pValue, qValue, dp, dq, qInverse].map((number) => integer(number)),
  );
  const half = bytes / 2;
  return {
    p,
    q,
    dp: bytesFromInteger(dp, half),
    dq: bytesFromInteger(dq, half),
    qInverse: bytesFromInteger(qInverse, half),
    modulus: bytesFromInteger(n, bytes),
    privateKey: createPrivateKey({ key: Buffer.from(pkcs1), format: 'der', type: 'pkcs1' }),
  };
}

/** A fresh key of `bytes` bytes. Takes a while. */
export function generateRsaKey(bytes: number): RsaKey {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 8 * bytes });
  const { p = '', q = '' } = privateKey.export({ format: 'jwk' });
  const prime = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64url'));
  return rsaKeyFromPrimes(prime(p), prime(q), bytes);
}

/** The DER form of the public key (RFC 3279). */
export function rsaSpki(modulus: Uint8Array): Uint8Array {
  return sequence(
    sequence(oid('1.2.840.113549.1.1.1'), Uint8Array.of(5, 0)),
    bitString(sequence(integer(integerFromBytes(modulus)), integer(EXPONENT))),
  );
}

/** RSASSA-PKCS1-v1_5 over a ready digest; the digest's length names the hash. */
export function signPkcs1(key: RsaKey, digest: Uint8Array): Uint8Array {
  const head = DIGEST_INFO.get(digest.length);
  const info = head === undefined ? digest : concat(bytesFromHex(head), digest);
  return Uint8Array.from(
    privateEncrypt({ key: key.privateKey, padding: constants.RSA_PKCS1_PADDING }, info),
  );
}

/** RSASSA-PSS over a ready digest. @throws {RangeError} when digest and salt do not fit. */
export function signPss(
  key: RsaKey,
  digest: Uint8Array,
  mgfHash: string,
  salt: Uint8Array,
): Uint8Array {
  const hash = HASH_OF_LENGTH.get(digest.length);
  const length = key.modulus.length;
  const zeros = length - digest.length - salt.length - 2;
  if (hash === undefined || zeros < 0) throw new RangeError('digest or salt of a wrong length');
  const check = hashOf(hash, concat(new Uint8Array(8), digest, salt));
  const block = concat(new Uint8Array(zeros), Uint8Array.of(1), salt);
  const masked = xor(block, mgf1(mgfHash, check, block.length));
  masked[0] = (masked[0] ?? 0) & 0x7f;
  return raw(key, concat(masked, check, Uint8Array.of(0xbc)));
}

/** RSAES-PKCS1-v1_5. @throws {RangeError} on wrong padding. */
export function decryptPkcs1(key: RsaKey, ciphertext: Uint8Array): Uint8Array {
  const padded = raw(key, ciphertext);
  const end = padded.indexOf(0, 2);
  if (padded[0] !== 0 || padded[1] !== 2 || end < 10) throw new RangeError('wrong padding');
  return padded.slice(end + 1);
}

/** RSAES-OAEP; the label comes as its hash. @throws {RangeError} on wrong padding. */
export function decryptOaep(
  key: RsaKey,
  ciphertext: Uint8Array,
  mgfHash: string,
  labelHash: Uint8Array,
): Uint8Array {
  const padded = raw(key, ciphertext);
  const length = labelHash.length;
  const maskedSeed = padded.subarray(1, 1 + length);
  const maskedBlock = padded.subarray(1 + length);
  const seed = xor(maskedSeed, mgf1(mgfHash, maskedBlock, length));
  const block = xor(maskedBlock, mgf1(mgfHash, seed, maskedBlock.length));
  const end = block.indexOf(1, length);
  const isPadded =
    padded[0] === 0 &&
    sameBytes(block.subarray(0, length), labelHash) &&
    end >= 0 &&
    block.subarray(length, end).every((byte) => byte === 0);
  if (!isPadded) throw new RangeError('wrong padding');
  return block.slice(end + 1);
}

/** RSAES-OAEP with a public key; the label comes as its hash. */
export function encryptOaep(
  modulus: Uint8Array,
  message: Uint8Array,
  mgfHash: string,
  labelHash: Uint8Array,
  seed: Uint8Array,
): Uint8Array {
  const zeros = modulus.length - 2 * labelHash.length - 2 - message.length;
  if (zeros < 0) throw new RangeError('the message does not fit');
  const block = concat(labelHash, new Uint8Array(zeros), Uint8Array.of(1), message);
  const maskedBlock = xor(block, mgf1(mgfHash, seed, block.length));
  const maskedSeed = xor(seed, mgf1(mgfHash, maskedBlock, seed.length));
  const key = createPublicKey({
    key: Buffer.from(rsaSpki(modulus)),
    format: 'der',
    type: 'spki',
  });
  return Uint8Array.from(
    publicEncrypt(
      { key, padding: constants.RSA_NO_PADDING },
      concat(Uint8Array.of(0), maskedSeed, maskedBlock),
    ),
  );
}

function raw(key: RsaKey, block: Uint8Array): Uint8Array {
  if (block.length !== key.modulus.length) throw new RangeError('not a block of the key');
  return Uint8Array.from(
    privateDecrypt({ key: key.privateKey, padding: constants.RSA_NO_PADDING }, block),
  );
}

function mgf1(hash: string, seed: Uint8Array, length: number): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let made = 0, counter = 0; made < length; counter++) {
    const block = hashOf(hash, concat(seed, u32(counter)));
    blocks.push(block);
    made += block.length;
  }
  return concat(...blocks).slice(0, length);
}

function hashOf(hash: string, bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(createHash(hash).update(bytes).digest());
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, index) => byte ^ (b[index] ?? 0));
}
