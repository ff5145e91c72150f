/** Attestations: what a device states of a key, and whom one has to believe for it. */
import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAttestation } from 'yubihsm/attestation/attestation';
import { MalformedAttestationError } from 'yubihsm/attestation/malformed-attestation-error';
import { verifyAttestation } from 'yubihsm/attestation/verify-attestation';
import { hex } from '../known-bytes.ts';
import {
  der,
  extension,
  newParty,
  type Party,
  writeCertificate,
  yubicoExtension,
} from './written-certificate.ts';

const malformed = expect.objectContaining({ code: 'ERR_YUBIHSM_MALFORMED_ATTESTATION' });

const ROOT = newParty('Root CA');
const MIDDLE = newParty('Attestation CA');
const DEVICE = newParty('YubiHSM Attestation (0007550140)');
const KEY = newParty('a key on the device');

/** As a device of firmware 2.4.1 was seen to write them. */
const STATEMENTS: ReadonlyMap<number, Uint8Array> = new Map([
  [1, hex('0403020401')],
  [2, hex('0203 7334bc')],
  [3, hex('0302 00 01')],
  [4, hex('0303 00 8001')],
  [5, hex('0309 00 0000000000010100')],
  [6, hex('0201 64')],
  [9, der(0x0c, new TextEncoder().encode('validator'))],
]);

function statements(changed: Readonly<Record<number, Uint8Array | undefined>> = {}): Uint8Array[] {
  const all = new Map<number, Uint8Array | undefined>(STATEMENTS);
  for (const [n, value] of Object.entries(changed)) all.set(Number(n), value);
  return [...all].flatMap(([n, value]) => (value === undefined ? [] : [yubicoExtension(n, value)]));
}

function attest(subject: Party, extensions = statements(), issuer = DEVICE): Uint8Array {
  return writeCertificate({ subject, issuer, extensions });
}

/** `X ‖ Y`, as GetPublicKey gives it. */
function pointOf({ publicKey }: Party): Uint8Array {
  return Uint8Array.from(publicKey.export({ type: 'spki', format: 'der' }).subarray(-64));
}

describe('an attestation', () => {
  it('states everything about the key', () => {
    expect(readAttestation(attest(KEY))).toEqual({
      firmware: { major: 2, minor: 4, patch: 1 },
      serial: '0007550140',
      origin: 'generated',
      domains: [1, 16],
      capabilities: ['sign-eddsa', 'exportable-under-wrap'],
      objectId: 0x64,
      label: 'validator',
      fipsCertificate: undefined,
      isFipsApproved: undefined,
      publicKey: pointOf(KEY),
    });
  });

  it('of a FIPS device says so', () => {
    const extensions = statements({ 10: hex('0202 0ee7'), 12: hex('0101 ff') });
    expect(readAttestation(attest(KEY, extensions))).toMatchObject({
      fipsCertificate: 0x0ee7,
      isFipsApproved: true,
    });
    const off = statements({ 12: hex('0101 00') });
    expect(readAttestation(attest(KEY, off)).isFipsApproved).toBe(false);
  });

  it('may have other extensions, critical ones too, and an empty label', () => {
    const critical = der(0x30, der(0x06, hex('551d13')), hex('0101ff'), der(0x04, hex('3000')));
    const extensions = [critical, ...statements({ 9: hex('0c00') })];
    expect(readAttestation(attest(KEY, extensions)).label).toBe('');
  });

  it.each([
    ['Ed25519', () => generateKeyPairSync('ed25519'), 32],
    ['secp256k1', () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }), 64],
    ['P-521', () => generateKeyPairSync('ec', { namedCurve: 'P-521' }), 132],
    ['RSA', () => generateKeyPairSync('rsa', { modulusLength: 2048 }), 256],
  ])('may be about a key of %s, in the form of GetPublicKey', (_, generate, length) => {
    const party = { name: 'key', ...generate() };
    const { publicKey } = readAttestation(attest(party));
    expect(publicKey).toHaveLength(length);
    const spki = Uint8Array.from(party.publicKey.export({ type: 'spki', format: 'der' }));
    // An RSA key ends with its exponent: tag, length and three bytes.
    expect(publicKey).toEqual(length === 256 ? spki.subarray(-261, -5) : spki.subarray(-length));
  });
});

describe('is refused', () => {
  it.each([1, 2, 3, 4, 5, 6, 9])('without statement %i', (n) => {
    expect(() => readAttestation(attest(KEY, statements({ [n]: undefined })))).toThrow(malformed);
  });

  it.each<[string, number, string]>([
    ['a firmware of two parts', 1, '0402 0204'],
    ['a negative serial', 2, '0204 f334bc00'],
    ['a serial beyond 32 bits', 2, '0205 0100000000'],
    ['an origin of two bytes', 3, '0303 00 0001'],
    ['a bit string that ends within a byte', 3, '0302 04 10'],
    ['domains of one byte', 4, '0302 00 01'],
    ['capabilities of seven bytes', 5, '0308 00 00000000010100'],
    ['an object id beyond 16 bits', 6, '0203 010000'],
    ['another type of item', 6, '0401 64'],
    ['bytes after the item', 6, '0201 64 00'],
    ['an empty number', 6, '0200'],
  ])('with %s', (_, n, value) => {
    expect(() => readAttestation(attest(KEY, statements({ [n]: hex(value) })))).toThrow(malformed);
  });

  it('with one statement twice', () => {
    expect(() => readAttestation(attest(KEY, [...statements(), ...statements()]))).toThrow(
      malformed,
    );
  });

  it('as an ordinary certificate', () => {
    expect(() => readAttestation(attest(KEY, []))).toThrow(malformed);
    expect(() => readAttestation(attest(KEY, [extension(hex('551d13'), hex('3000'))]))).toThrow(
      malformed,
    );
  });

  it('with any byte lost, and as any bytes, as malformed and nothing else', () => {
    const whole = attest(KEY);
    const cut = fc.nat(whole.length - 1).map((end) => whole.subarray(0, end));
    const changed = fc
      .tuple(fc.nat(whole.length - 1), fc.nat(255))
      .map(([place, byte]) => whole.with(place, byte));
    fc.assert(
      fc.property(fc.oneof(cut, changed, fc.uint8Array({ maxLength: 300 })), (bytes) => {
        try {
          readAttestation(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedAttestationError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

const ca = writeCertificate({ subject: ROOT, issuer: ROOT, extensions: [] });
const middle = writeCertificate({ subject: MIDDLE, issuer: ROOT, extensions: [] });
const device = writeCertificate({ subject: DEVICE, issuer: MIDDLE, extensions: [] });

describe('a chain', () => {
  const attestation = attest(KEY);
  const intermediates = [device, middle];

  it('up to the trusted certificate verifies', () => {
    expect(verifyAttestation({ attestation, intermediates, ca }, pointOf(KEY))).toEqual({
      kind: 'verified',
      attestation: readAttestation(attestation),
    });
  });

  it('may be trusted from the device on', () => {
    const chain = { attestation, intermediates: [], ca: device };
    expect(verifyAttestation(chain, pointOf(KEY)).kind).toBe('verified');
  });

  it.each<[string, Uint8Array, readonly Uint8Array[], number]>([
    ['with a link missing', attestation, [device], 1],
    ['in another order', attestation, [middle, device], 0],
    [
      'signed by another key of the same name',
      attest(KEY, statements(), newParty(DEVICE.name)),
      [device, middle],
      0,
    ],
    [
      'signed by the key of the next one, but issued under another name',
      attest(KEY, statements(), { ...DEVICE, name: 'YubiHSM Attestation (0007550141)' }),
      [device, middle],
      0,
    ],
    [
      'with a link signed by another key of the same name',
      attestation,
      [
        writeCertificate({ subject: DEVICE, issuer: newParty(MIDDLE.name), extensions: [] }),
        middle,
      ],
      1,
    ],
    [
      'whose root is another of the same name',
      attestation,
      [device, writeCertificate({ subject: MIDDLE, issuer: newParty(ROOT.name), extensions: [] })],
      2,
    ],
  ])('is doubted: %s', (_, first, others, place) => {
    expect(
      verifyAttestation({ attestation: first, intermediates: others, ca }, pointOf(KEY)),
    ).toEqual({ kind: 'doubted', doubt: 'not-issued', place });
  });

  it('is doubted about another key', () => {
    const chain = { attestation, intermediates, ca };
    expect(verifyAttestation(chain, pointOf(DEVICE))).toEqual({
      kind: 'doubted',
      doubt: 'another-key',
      place: 0,
    });
  });

  it('is doubted where a key that was itself attested is the one that attests', () => {
    // Whoever may sign with KEY can write this; the device never did.
    const forged = attest(newParty('a key that is nowhere'), statements(), KEY);
    const chain = { attestation: forged, intermediates: [attestation, ...intermediates], ca };
    expect(verifyAttestation(chain, readAttestation(forged).publicKey)).toEqual({
      kind: 'doubted',
      doubt: 'issued-by-attested-key',
      place: 1,
    });
  });

  it('of what is no certificate is an error, not a doubt', () => {
    expect(() =>
      verifyAttestation({ attestation, intermediates, ca: hex('3000') }, pointOf(KEY)),
    ).toThrow(malformed);
    expect(() =>
      verifyAttestation({ attestation: device, intermediates, ca }, pointOf(KEY)),
    ).toThrow(malformed);
  });
});
