/** Attestation certificates, read and verified by OpenSSL. */
import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ALL, bits, CODE, DeviceUnderTest, error, params, type RawSession } from './raw-session.ts';

/** 1.3.6.1.4.1.41482.4.n, as DER has it. */
const ARC = '060a2b0601040182c40a04';

/** The value of one of Yubico's extensions, a DER item, in hexadecimal. */
function extension(certificate: Uint8Array, number: number): string | undefined {
  const oid = ARC + number.toString(16).padStart(2, '0');
  const text = certificate.toHex();
  const at = text.indexOf(oid);
  if (at < 0) return undefined;
  const value = Uint8Array.fromHex(text.slice(at + oid.length));
  return value.slice(2, 2 + (value[1] ?? 0)).toHex();
}

function generate(session: RawSession, id: number, algorithm: number, label = 'consensus'): void {
  session.data(
    CODE.generateAsymmetricKey,
    params({ id, label, domains: 0x8001, capabilities: bits(8, 0x22), algorithm }),
  );
}

const attest = (session: RawSession, ids: string): X509Certificate =>
  new X509Certificate(session.data(CODE.signAttestationCertificate, ids));

describe('an attestation by the key from the factory', () => {
  test.each([
    ['Ed25519', 46],
    ['P-256', 12],
    ['secp256k1', 15],
    ['P-384', 13],
    ['RSA', 9],
  ])('is signed by the certificate the device hides under opaque 0: %s', (_name, algorithm) => {
    const session = new DeviceUnderTest().open();
    generate(session, 0x64, algorithm);
    const device = new X509Certificate(session.data(CODE.getOpaque, '0000'));
    const certificate = attest(session, '00640000');
    expect(certificate.verify(device.publicKey)).toBe(true);
    expect(certificate.issuer).toBe(device.subject);
    expect(certificate.checkIssued(device)).toBe(true);
    const own = session.data(CODE.getPublicKey, '0064').slice(1);
    const spki = certificate.publicKey.export({ format: 'der', type: 'spki' });
    expect(spki.includes(own)).toBe(true);
  });

  test('says what the device says of the key', () => {
    const session = new DeviceUnderTest({ serial: 7550140 }).open();
    generate(session, 0x64, 46);
    const certificate = session.data(CODE.signAttestationCertificate, '00640000');
    expect([1, 2, 3, 4, 5, 6, 9, 10, 12].map((number) => extension(certificate, number))).toEqual([
      '0403020401', // firmware 2.4.1
      '02037334bc', // serial
      '03020001', // generated
      '0303008001', // domains 1 and 16
      '0309000000000400000100', // capabilities
      '020164', // id
      `0c09${Buffer.from('consensus').toString('hex')}`,
      undefined,
      undefined,
    ]);
  });

  test('of a key that is absent is 0b, and of one that is imported says so', () => {
    const session = new DeviceUnderTest().open();
    expect(session.run(CODE.signAttestationCertificate, '00640000')).toBe(error(0x0b));
    session.data(CODE.putAsymmetricKey, params({ id: 0x64, algorithm: 46 }) + '11'.repeat(32));
    const certificate = session.data(CODE.signAttestationCertificate, '00640000');
    expect(extension(certificate, 3)).toBe('03020002');
  });
});

describe('an attestation by a key on the device', () => {
  function withAttestingKey(capabilities: bigint): RawSession {
    const session = new DeviceUnderTest().open();
    generate(session, 0x64, 46);
    session.data(CODE.generateAsymmetricKey, params({ id: 5, capabilities, algorithm: 12 }));
    return session;
  }

  /** Its certificate: the one the device makes of it, put beside it. */
  function putTemplate(session: RawSession, algorithm = 31): X509Certificate {
    const certificate = session.data(CODE.signAttestationCertificate, '00050000');
    const opaque = params({ id: 5, algorithm }) + certificate.toHex();
    session.data(CODE.putOpaque, opaque);
    return new X509Certificate(certificate);
  }

  test('names the subject of the certificate beside it as its issuer, and is signed by it', () => {
    const session = withAttestingKey(ALL);
    const template = putTemplate(session);
    const certificate = attest(session, '00640005');
    expect(certificate.issuer).toBe(template.subject);
    expect(certificate.validTo).toBe(template.validTo);
    expect(certificate.verify(template.publicKey)).toBe(true);
  });

  test.each<[string, bigint, (session: RawSession) => void, string]>([
    ['that has no certificate is 0b', ALL, () => {}, error(0x0b)],
    ['that may not is 09', 0n, (session) => void putTemplate(session), error(0x09)],
    [
      'whose certificate is plain data is 02',
      ALL,
      (session) => void putTemplate(session, 30),
      error(0x02),
    ],
    [
      'whose certificate is none is 02',
      ALL,
      (session) =>
        void session.data(CODE.putOpaque, `${params({ id: 5, algorithm: 31 })}3003020101`),
      error(0x02),
    ],
  ])('%s', (_what, capabilities, prepare, reply) => {
    const session = withAttestingKey(capabilities);
    prepare(session);
    expect(session.run(CODE.signAttestationCertificate, '00640005')).toBe(reply);
  });
});
