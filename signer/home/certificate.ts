/** X.509 certificates for mutual TLS between a node and this signer (RFC 5280), ECDSA on P-256 with SHA-256. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import { base64FromBytes, concatBytes, utf8Bytes } from '@privval/proto/runtime/bytes';
import {
  bits,
  der,
  objectId,
  octets,
  sequence,
  setOf,
  TRUE,
  tagged,
  time,
  unsigned,
  utf8String,
} from './der.ts';

/** Clocks differ: a certificate is valid from an hour before it was made. */
const BACKDATE_MS = 3_600_000;

const ECDSA_WITH_SHA256 = sequence(objectId('1.2.840.10045.4.3.2'));
const COMMON_NAME = objectId('2.5.4.3');
const BASIC_CONSTRAINTS = objectId('2.5.29.19');
const KEY_USAGE = objectId('2.5.29.15');
const EXTENDED_KEY_USAGE = objectId('2.5.29.37');
const SUBJECT_ALT_NAME = objectId('2.5.29.17');
const SUBJECT_KEY_ID = objectId('2.5.29.14');
const AUTHORITY_KEY_ID = objectId('2.5.29.35');
const SERVER_AUTH = objectId('1.3.6.1.5.5.7.3.1');
const CLIENT_AUTH = objectId('1.3.6.1.5.5.7.3.2');

/** An authority that certificates are made by, for as long as somebody holds it. */
export interface Authority {
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  /** Its own certificate: what peers are given as root. PEM. */
  readonly certificate: string;
}

/** A certificate and its key. PEM. */
export interface CertifiedKey {
  readonly certificate: string;
  readonly privateKey: string;
}

/** For how long. */
export interface Validity {
  readonly nowMs: number;
  readonly years: number;
}

/** A new authority. Its key is never written anywhere: when it is dropped, it can sign nothing more. */
export function createAuthority(subject: string, validity: Validity): Authority {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = encodeCertificate(
    {
      issuer: { subject, publicKey, privateKey },
      subject,
      publicKey,
      extensions: [
        extension(BASIC_CONSTRAINTS, sequence(TRUE, der(0x02, Uint8Array.of(0))), true),
        // keyCertSign, cRLSign
        extension(KEY_USAGE, bits(Uint8Array.of(0x06), 1), true),
      ],
    },
    validity,
  );
  return { subject, publicKey, privateKey, certificate };
}

/** What a certificate is for. */
export interface CertificateRequest extends Validity {
  readonly subject: string;
  readonly use: 'server' | 'client';
  /** DNS names and IP addresses by which the holder is reached; a server has one at least. */
  readonly hosts: readonly string[];
}

/** A fresh key with a certificate by `authority`. */
export function certify(authority: Authority, request: CertificateRequest): CertifiedKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { subject, use, hosts } = request;
  const extensions = [
    extension(BASIC_CONSTRAINTS, sequence(), true),
    // digitalSignature
    extension(KEY_USAGE, bits(Uint8Array.of(0x80), 7), true),
    extension(EXTENDED_KEY_USAGE, sequence(use === 'server' ? SERVER_AUTH : CLIENT_AUTH), false),
  ];
  if (hosts.length > 0) {
    extensions.push(extension(SUBJECT_ALT_NAME, sequence(...hosts.map(generalName)), false));
  }
  return {
    certificate: encodeCertificate({ issuer: authority, subject, publicKey, extensions }, request),
    privateKey: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  };
}

interface CertificateContent {
  readonly issuer: Pick<Authority, 'subject' | 'publicKey' | 'privateKey'>;
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Uint8Array[];
}

function encodeCertificate(content: CertificateContent, validity: Validity): string {
  const { issuer, subject, publicKey, extensions } = content;
  const { nowMs, years } = validity;
  const notAfter = new Date(nowMs);
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + years);
  const serial = randomBytes(16);
  // Positive and without a leading zero byte.
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  const toBeSigned = sequence(
    tagged(0, der(0x02, Uint8Array.of(2))),
    unsigned(serial),
    ECDSA_WITH_SHA256,
    distinguishedName(issuer.subject),
    sequence(time(nowMs - BACKDATE_MS), time(notAfter.getTime())),
    distinguishedName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(
      3,
      sequence(
        ...extensions,
        extension(SUBJECT_KEY_ID, octets(keyId(publicKey)), false),
        extension(AUTHORITY_KEY_ID, sequence(der(0x80, keyId(issuer.publicKey))), false),
      ),
    ),
  );
  const signature = sign('sha256', toBeSigned, issuer.privateKey);
  const certificate = sequence(toBeSigned, ECDSA_WITH_SHA256, bits(signature));
  const lines = base64FromBytes(certificate).match(/.{1,64}/g);
  return `-----BEGIN CERTIFICATE-----\n${lines?.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function distinguishedName(commonName: string): Uint8Array {
  return sequence(setOf(sequence(COMMON_NAME, utf8String(commonName))));
}

function extension(id: Uint8Array, value: Uint8Array, isCritical: boolean): Uint8Array {
  return isCritical ? sequence(id, TRUE, octets(value)) : sequence(id, octets(value));
}

function keyId(key: KeyObject): Uint8Array {
  return createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest();
}

function generalName(host: string): Uint8Array {
  if (isIP(host) === 0) return der(0x82, utf8Bytes(host));
  return der(0x87, isIPv4(host) ? ipv4Bytes(host) : ipv6Bytes(host));
}

function ipv4Bytes(host: string): Uint8Array {
  return Uint8Array.from(host.split('.').map(Number));
}

function ipv6Bytes(host: string): Uint8Array {
  // URL writes every IPv6 address in its one shortest form, without embedded IPv4.
  const canonical = new URL(`http://[${host}]`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const middle = new Array<number>(8 - before.length - after.length).fill(0);
  return concatBytes(
    ...[...before, ...middle, ...after].map((group) => Uint8Array.of(group >> 8, group & 0xff)),
  );
}
