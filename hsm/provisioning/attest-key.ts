/** What a device states about a key it has made, in a certificate, where its firmware does that. */
import { X509Certificate } from 'node:crypto';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { equalBytes } from '@privval/proto/runtime/bytes';
import { CodedError } from '@privval/proto/runtime/coded-error';
import { type Attestation, readAttestation } from 'yubihsm/attestation/attestation';
import { verifyAttestation } from 'yubihsm/attestation/verify-attestation';
import { signAttestationCertificate } from 'yubihsm/commands/asymmetric-key-commands';
import { getOpaque } from 'yubihsm/commands/opaque-commands';
import { DeviceError } from 'yubihsm/device-errors';
import type { YubiHsmClient } from 'yubihsm/yubihsm-client';

/** The factory's attesting key, and the certificate of it. */
const FACTORY_ATTESTATION_ID = 0;

/** The device states something else about the key than what it is. */
export class WrongAttestationError extends CodedError {
  override readonly name = 'WrongAttestationError';
  readonly code = 'ERR_ATTESTATION_WRONG';

  constructor(reason: string) {
    super(
      `the device's attestation contradicts the key: ${reason}. Something else may be answering in its place: do not use this key`,
    );
  }
}

/** What came of it. */
export type KeyAttestation =
  /** The device makes no attestation of this key; older firmware does not for Ed25519. */
  | { readonly kind: 'none'; readonly reason: string }
  | {
      readonly kind: 'attested';
      readonly attestation: Attestation;
      /** PEM, the attestation first. */
      readonly chain: string;
      /** Whether the certificate of the device's own attesting key has signed it. */
      readonly isSignedByDevice: boolean;
    };

/** The key, as it must be. */
export interface AttestedKey extends AbortOptions {
  readonly keyId: number;
  readonly publicKey: Uint8Array;
  readonly serial: string;
}

/**
 * Fetches the attestation, and holds it against the key. The chain ends at the device's own
 * certificate; whether that one is the vendor's is for whoever has the vendor's root.
 *
 * @throws {WrongAttestationError} ERR_ATTESTATION_WRONG
 */
export async function attestKey(client: YubiHsmClient, key: AttestedKey): Promise<KeyAttestation> {
  const { keyId, publicKey, signal } = key;
  let der: Uint8Array;
  try {
    const command = signAttestationCertificate(keyId, FACTORY_ATTESTATION_ID);
    der = await client.run(command, { signal });
  } catch (error) {
    if (error instanceof DeviceError) return { kind: 'none', reason: error.message };
    throw error;
  }
  const attestation = readAttestation(der);
  const wrong = contradiction(attestation, key);
  if (wrong !== undefined) throw new WrongAttestationError(wrong);
  const issuer = await deviceCertificate(client, { signal });
  const isSignedByDevice = issuer !== undefined && isSignedBy(der, issuer, publicKey);
  const chain = issuer === undefined ? [der] : [der, issuer];
  return { kind: 'attested', attestation, chain: chain.map(pem).join(''), isSignedByDevice };
}

function contradiction(attestation: Attestation, key: AttestedKey): string | undefined {
  const { serial, objectId, publicKey, origin } = attestation;
  if (!equalBytes(publicKey, key.publicKey)) return 'it is about another public key';
  if (serial !== key.serial) return `it names device ${serial}, not ${key.serial}`;
  if (objectId !== key.keyId) return `it names object ${objectId}`;
  return origin === 'generated' ? undefined : `it says that the key was not made there (${origin})`;
}

/** Of the device's own attesting key, where it gives it. */
async function deviceCertificate(
  client: YubiHsmClient,
  options: AbortOptions,
): Promise<Uint8Array | undefined> {
  try {
    const der = await client.run(getOpaque(FACTORY_ATTESTATION_ID), options);
    return isCertificate(der) ? der : undefined;
  } catch (error) {
    if (error instanceof DeviceError) return undefined;
    throw error;
  }
}

function isCertificate(der: Uint8Array): boolean {
  try {
    return new X509Certificate(der).raw.length === der.length;
  } catch {
    return false;
  }
}

function isSignedBy(attestation: Uint8Array, ca: Uint8Array, publicKey: Uint8Array): boolean {
  return verifyAttestation({ attestation, intermediates: [], ca }, publicKey).kind === 'verified';
}

function pem(der: Uint8Array): string {
  return new X509Certificate(der).toString();
}
