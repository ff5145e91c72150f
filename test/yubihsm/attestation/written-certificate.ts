/** Certificates as a device would write them, by code of the tests' own. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** A P-256 or other key, with a name to be called by in certificates. */
export interface Party {
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** What a certificate is to say. */
export interface CertificateText {
  readonly subject: Party;
  readonly issuer: Party;
  /** Each the whole DER of one extension. */
  readonly extensions: readonly Uint8Array[];
}

/** A new P-256 key. */
export function newParty(name: string): Party {
  return { name, ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) };
}

/** One DER item. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(contents);
  const { length } = content;
  const head =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Uint8Array.from([tag, ...head, ...content]);
}

/** An extension 1.3.6.1.4.1.41482.4.N whose content is `value`. */
export function yubicoExtension(n: number, value: Uint8Array): Uint8Array {
  return extension(
    Uint8Array.fromHex(`2b0601040182c40a04${n.toString(16).padStart(2, '0')}`),
    value,
  );
}

/** An extension by the content of its object id. */
export function extension(id: Uint8Array, value: Uint8Array): Uint8Array {
  return der(0x30, der(0x06, id), der(0x04, value));
}

/** A signed certificate in DER. */
export function writeCertificate({ subject, issuer, extensions }: CertificateText): Uint8Array {
  const version = der(0xa0, der(0x02, Uint8Array.of(2)));
  const dates = [der(0x17, utf8('170101000000Z')), der(0x18, utf8('20711005000000Z'))];
  const tbs = der(
    0x30,
    version,
    der(0x02, Uint8Array.of(1)),
    ECDSA_SHA256,
    nameOf(issuer),
    der(0x30, ...dates),
    nameOf(subject),
    Uint8Array.from(subject.publicKey.export({ type: 'spki', format: 'der' })),
    ...(extensions.length === 0 ? [] : [der(0xa3, der(0x30, ...extensions))]),
  );
  const signature = sign('sha256', tbs, issuer.privateKey);
  return der(0x30, tbs, ECDSA_SHA256, der(0x03, Uint8Array.of(0), signature));
}

const ECDSA_SHA256 = Uint8Array.fromHex('300a06082a8648ce3d040302');

function nameOf({ name }: Party): Uint8Array {
  const commonName = der(0x30, der(0x06, Uint8Array.of(0x55, 4, 3)), der(0x0c, utf8(name)));
  return der(0x30, der(0x31, commonName));
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
