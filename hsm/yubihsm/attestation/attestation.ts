/** What a device attests of a key, read out of the certificate's extensions. */
import { type Capability, capabilitiesFromBits } from '../objects/capability.ts';
import { type FirmwareVersion, formatSerial } from '../objects/device-info.ts';
import { domainsFromBits } from '../objects/domains.ts';
import { type Origin, originFromCode } from '../objects/origin.ts';
import { readCertificate } from './certificate-parts.ts';
import { bitStringBytes, DER_TAGS, readItem, unsignedOf } from './der-reader.ts';
import { MalformedAttestationError } from './malformed-attestation-error.ts';

/** 1.3.6.1.4.1.41482.4: the vendor's arc for the YubiHSM 2. */
const ARC = '2b0601040182c40a04';

/** The last number of each extension's object id. */
const EXTENSIONS = {
  firmware: 1,
  serial: 2,
  origin: 3,
  domains: 4,
  capabilities: 5,
  objectId: 6,
  label: 9,
  fipsCertificate: 10,
  fipsApproved: 12,
} as const;

type Extension = keyof typeof EXTENSIONS;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** A device's statement about one of its keys. Worth as much as the chain below its signature. */
export interface Attestation {
  readonly firmware: FirmwareVersion;
  /** Ten digits, as in DeviceInfo. */
  readonly serial: string;
  readonly origin: Origin;
  readonly domains: readonly number[];
  readonly capabilities: readonly Capability[];
  readonly objectId: number;
  readonly label: string;
  /** Number of the FIPS certificate, where the device has one. */
  readonly fipsCertificate: number | undefined;
  /** Whether the device was in its FIPS mode, where it says so. */
  readonly isFipsApproved: boolean | undefined;
  /** The key, as GetPublicKey gives it. */
  readonly publicKey: Uint8Array;
}

/**
 * Reads a certificate that SignAttestationCertificate gave (DER). Verifies nothing: see
 * {@link verifyAttestation}.
 *
 * @throws {MalformedAttestationError} ERR_YUBIHSM_MALFORMED_ATTESTATION
 */
export function readAttestation(der: Uint8Array): Attestation {
  const { publicKey, extensions } = readCertificate(der);
  const find = (name: Extension) => extensions.get(extensionKey(name));
  const read = (name: Extension, tag: number) => {
    const value = find(name);
    if (value === undefined) throw new MalformedAttestationError(`it does not state ${name}`);
    return readItem(value, tag);
  };
  const bits = (name: Extension, bytes: number) =>
    bitsOf(name, bitStringBytes(read(name, DER_TAGS.bitString)), bytes);
  const certificate = find('fipsCertificate');
  const approved = find('fipsApproved');
  return {
    firmware: firmwareOf(read('firmware', DER_TAGS.octetString)),
    serial: formatSerial(numberOf('serial', read('serial', DER_TAGS.integer), 0xffff_ffff)),
    origin: originFromCode(Number(bits('origin', 1))),
    domains: domainsFromBits(Number(bits('domains', 2))),
    capabilities: capabilitiesFromBits(bits('capabilities', 8)),
    objectId: numberOf('objectId', read('objectId', DER_TAGS.integer), 0xffff),
    label: labelOf(read('label', DER_TAGS.utf8String)),
    fipsCertificate:
      certificate && numberOf('fipsCertificate', readItem(certificate, DER_TAGS.integer), 2 ** 32),
    isFipsApproved: approved && readItem(approved, DER_TAGS.boolean)[0] !== 0,
    publicKey,
  };
}

/** Whether a certificate states the id of an object: then it is about a key on a device. */
export function isAboutObject(der: Uint8Array): boolean {
  return readCertificate(der).extensions.has(extensionKey('objectId'));
}

function extensionKey(name: Extension): string {
  return `${ARC}${EXTENSIONS[name].toString(16).padStart(2, '0')}`;
}

/** The last three bytes. */
function firmwareOf(content: Uint8Array): FirmwareVersion {
  const [major, minor, patch] = content.subarray(-3);
  if (major === undefined || minor === undefined || patch === undefined) {
    throw new MalformedAttestationError('its firmware version has fewer than three parts');
  }
  return { major, minor, patch };
}

function numberOf(name: Extension, content: Uint8Array, max: number): number {
  const value = unsignedOf(content);
  if (value > max) throw new MalformedAttestationError(`${name} is out of range`);
  return Number(value);
}

function bitsOf(name: Extension, bytes: Uint8Array, length: number): bigint {
  if (bytes.length !== length) {
    throw new MalformedAttestationError(`${name} has ${bytes.length} bytes, not ${length}`);
  }
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

function labelOf(content: Uint8Array): string {
  try {
    return utf8.decode(content);
  } catch {
    return `0x${Buffer.from(content).toString('hex')}`;
  }
}
