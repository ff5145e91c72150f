/** Whether an attestation can be believed: a chain of signatures up to a certificate one trusts. */
import { X509Certificate } from 'node:crypto';
import { type Attestation, isAboutObject, readAttestation } from './attestation.ts';
import { MalformedAttestationError } from './malformed-attestation-error.ts';

/** Certificates in DER. */
export interface AttestationChain {
  /** What SignAttestationCertificate gave. */
  readonly attestation: Uint8Array;
  /** From the attesting key's own (opaque object 0 for the factory's) upwards. */
  readonly intermediates: readonly Uint8Array[];
  /** The one that is trusted: the vendor's root, or one's own. */
  readonly ca: Uint8Array;
}

/** Why an attestation is not believed. */
export type AttestationDoubt =
  /** A certificate was not issued by the one after it: by its names, or by its signature. */
  | 'not-issued'
  /**
   * A certificate other than the first is itself about a key on a device: whoever may sign with that key
   * can state anything.
   */
  | 'issued-by-attested-key'
  /** It is about another key than the one expected. */
  | 'another-key';

/** What came of it. */
export type AttestationVerdict =
  | { readonly kind: 'verified'; readonly attestation: Attestation }
  | {
      readonly kind: 'doubted';
      readonly doubt: AttestationDoubt;
      /** Place in the chain of the certificate that is doubted; 0 is the attestation. */
      readonly place: number;
    };

/**
 * Verifies the chain and reads the attestation. Dates are not looked at: the device has no clock and
 * copies them.
 *
 * @param publicKey the key it must be about, as GetPublicKey gave it.
 * @throws {MalformedAttestationError} ERR_YUBIHSM_MALFORMED_ATTESTATION when one is no certificate, or the first
 *   no attestation.
 */
export function verifyAttestation(
  chain: AttestationChain,
  publicKey: Uint8Array,
): AttestationVerdict {
  const attestation = readAttestation(chain.attestation);
  const issuers = [...chain.intermediates, chain.ca];
  const certificates = [chain.attestation, ...issuers].map(parse);
  const attested = issuers.findIndex(isAboutObject);
  if (attested >= 0) return doubted('issued-by-attested-key', attested + 1);
  const wrong = certificates.findIndex((certificate, i) => {
    const issuer = certificates[i + 1];
    return issuer !== undefined && !isIssuedBy(certificate, issuer);
  });
  if (wrong >= 0) return doubted('not-issued', wrong);
  if (Buffer.compare(attestation.publicKey, publicKey) !== 0) return doubted('another-key', 0);
  return { kind: 'verified', attestation };
}

function doubted(doubt: AttestationDoubt, place: number): AttestationVerdict {
  return { kind: 'doubted', doubt, place };
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

function parse(der: Uint8Array): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch (cause) {
    throw new MalformedAttestationError('one of the certificates is none', { cause });
  }
}
