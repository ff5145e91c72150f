/** X.509 certificates by which a device speaks for a key it holds, and for itself. */

import { createHash } from 'node:crypto';
import { hexFromBytes } from '@privval/proto/runtime/bytes';
import { integerFromBytes, u16, u64 } from '../device/bytes.ts';
import { DeviceFault, FAULT, orFault } from '../device/device-fault.ts';
import type { DeviceState, RandomBytes } from '../device/device-state.ts';
import type { Material, StoredObject } from '../device/stored-object.ts';
import {
  bitString,
  type DerElement,
  der,
  derElements,
  integer,
  octetString,
  oid,
  sequence,
  set,
  utf8String,
} from './der.ts';
import { ecSpki, signEcdsa } from './ec-key.ts';
import { ed25519Spki, signEd25519 } from './ed25519-key.ts';
import { rsaSpki, signPkcs1 } from './rsa-key.ts';

/** The vendor's arc; what a certificate says of a key is below it. */
const YUBIHSM_ARC = '1.3.6.1.4.1.41482.4';

const COMMON_NAME = '2.5.4.3';
const TEXT = new TextEncoder();

/** Certificates of the factory key are good from 2017 to the end of 2049. */
const VALIDITY = sequence(utcTime('170101000000Z'), utcTime('491231235959Z'));

/** The certificate of the device's own attestation key. Nobody vouches for a simulator: it signs itself. */
export function selfSignedDeviceCertificate(state: DeviceState): Uint8Array {
  const name = deviceName(state);
  const material: Material = { kind: 'ec', key: state.identity.attestationKey };
  return certificate(state.random, {
    issuer: name,
    validity: VALIDITY,
    subject: name,
    subjectKey: material,
    signingKey: material,
    extensions: deviceExtensions(state),
  });
}

/**
 * A certificate over `subject`, signed by `attesting` or by the device's own key.
 *
 * `template`: the certificate stored beside `attesting`; its subject is the issuer, its dates are kept.
 *
 * @throws {DeviceFault} 02 when the template is no certificate, or the subject has no public key.
 */
export function attestationCertificate(
  state: DeviceState,
  subject: StoredObject,
  attesting: { readonly key: StoredObject; readonly template: Uint8Array } | undefined,
): Uint8Array {
  const issuer =
    attesting === undefined
      ? { name: deviceName(state), validity: VALIDITY }
      : orFault(FAULT.invalidData, () => readTemplate(attesting.template));
  return certificate(state.random, {
    issuer: issuer.name,
    validity: issuer.validity,
    subject: commonName(`YubiHSM Attestation id:0x${hexFromBytes(u16(subject.id))}`),
    subjectKey: subject.material,
    signingKey: attesting?.key.material ?? { kind: 'ec', key: state.identity.attestationKey },
    extensions: [...deviceExtensions(state), ...keyExtensions(subject)],
  });
}

interface CertificateContent {
  readonly issuer: Uint8Array;
  readonly validity: Uint8Array;
  readonly subject: Uint8Array;
  readonly subjectKey: Material;
  readonly signingKey: Material;
  readonly extensions: readonly Uint8Array[];
}

function certificate(random: RandomBytes, content: CertificateContent): Uint8Array {
  const algorithm = signatureAlgorithm(content.signingKey);
  const signed = sequence(
    der(0xa0, integer(2n)),
    integer(integerFromBytes(random(15)) + 1n),
    algorithm,
    content.issuer,
    content.validity,
    content.subject,
    spkiOf(content.subjectKey),
    der(0xa3, sequence(...content.extensions)),
  );
  return sequence(
    signed,
    algorithm,
    bitString(signCertificate(random, content.signingKey, signed)),
  );
}

function deviceExtensions({ identity }: DeviceState): readonly Uint8Array[] {
  const { major, minor, patch } = identity.firmware;
  return [
    extension(1, octetString(Uint8Array.of(major, minor, patch))),
    extension(2, integer(BigInt(identity.serial))),
  ];
}

function keyExtensions(object: StoredObject): readonly Uint8Array[] {
  const end = object.label.indexOf(0);
  return [
    extension(3, bitString(Uint8Array.of(object.origin))),
    extension(4, bitString(u16(object.domains))),
    extension(5, bitString(u64(object.capabilities))),
    extension(6, integer(BigInt(object.id))),
    extension(9, utf8String(end < 0 ? object.label : object.label.slice(0, end))),
  ];
}

function extension(number: number, value: Uint8Array): Uint8Array {
  return sequence(oid(`${YUBIHSM_ARC}.${number}`), octetString(value));
}

function deviceName({ identity }: DeviceState): Uint8Array {
  return commonName(`YubiHSM simulator (${identity.serial.toString().padStart(10, '0')})`);
}

function commonName(text: string): Uint8Array {
  return sequence(set(sequence(oid(COMMON_NAME), utf8String(TEXT.encode(text)))));
}

function utcTime(text: string): Uint8Array {
  return der(0x17, TEXT.encode(text));
}

function spkiOf(material: Material): Uint8Array {
  switch (material.kind) {
    case 'ec':
      return ecSpki(material.key);
    case 'ed25519':
      return ed25519Spki(material.key);
    case 'rsa':
      return rsaSpki(material.key.modulus);
    default:
      throw new DeviceFault(FAULT.invalidData);
  }
}

function signatureAlgorithm(material: Material): Uint8Array {
  if (material.kind === 'ec') return sequence(oid('1.2.840.10045.4.3.2'));
  if (material.kind === 'ed25519') return sequence(oid('1.3.101.112'));
  return sequence(oid('1.2.840.113549.1.1.11'), Uint8Array.of(5, 0));
}

function signCertificate(random: RandomBytes, material: Material, signed: Uint8Array): Uint8Array {
  const digest = Uint8Array.from(createHash('sha256').update(signed).digest());
  switch (material.kind) {
    case 'ec':
      return signEcdsa(material.key, digest, random);
    case 'ed25519':
      return signEd25519(material.key, signed);
    case 'rsa':
      return signPkcs1(material.key, digest);
    default:
      throw new DeviceFault(FAULT.invalidData);
  }
}

/** The subject's name and the dates of a certificate. */
function readTemplate(bytes: Uint8Array): {
  readonly name: Uint8Array;
  readonly validity: Uint8Array;
} {
  const [outer] = derElements(bytes);
  const [signed] = derElements(outer?.content ?? new Uint8Array());
  const fields = derElements(signed?.content ?? new Uint8Array());
  const isVersioned = fields[0]?.tag === 0xa0;
  const at = (index: number): DerElement => {
    const field = fields[index + (isVersioned ? 1 : 0)];
    if (field?.tag !== 0x30) throw new RangeError('not a certificate');
    return field;
  };
  return { name: at(4).encoded, validity: at(3).encoded };
}
