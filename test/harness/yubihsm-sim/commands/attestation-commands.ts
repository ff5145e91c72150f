/** The command that makes the device speak for one of its keys. */
import { attestationCertificate } from '../crypto/attestation.ts';
import { requireOfKey } from '../device/access.ts';
import { ALGORITHM } from '../device/algorithm.ts';
import { CAPABILITY } from '../device/capability.ts';
import { DeviceFault, FAULT } from '../device/device-fault.ts';
import { encodeBody } from '../device/object-body.ts';
import { OBJECT_TYPE } from '../device/object-type.ts';
import type { CommandContext, CommandSpec } from './command-spec.ts';

/** As an attesting key: the one from the factory. */
const FACTORY_KEY = 0;

/** One command. */
export const ATTESTATION_COMMANDS: readonly CommandSpec[] = [
  {
    code: 0x64,
    name: 'SignAttestationCertificate',
    capability: CAPABILITY.signAttestationCertificate,
    run: (context, data) => {
      const [keyId, attestingId] = [data.u16(), data.u16()];
      data.end();
      context.concerns(keyId, attestingId);
      const { state, principal } = context;
      const subject = state.store.find(principal, OBJECT_TYPE.asymmetricKey, keyId);
      const attesting = attestingId === FACTORY_KEY ? undefined : attestingOf(context, attestingId);
      return attestationCertificate(state, subject, attesting);
    },
  },
];

/** The attesting key, and the certificate under the same id. */
function attestingOf({ state, principal }: CommandContext, id: number) {
  const key = state.store.find(principal, OBJECT_TYPE.asymmetricKey, id);
  requireOfKey(key, CAPABILITY.signAttestationCertificate);
  const certificate = state.store.find(principal, OBJECT_TYPE.opaque, id);
  if (certificate.algorithm !== ALGORITHM.opaqueX509) throw new DeviceFault(FAULT.invalidData);
  return { key, template: encodeBody(certificate) };
}
