/** Commands for the keys that open sessions. */
import { createECDH } from 'node:crypto';
import { ALGORITHM } from '../device/algorithm.ts';
import type { ByteReader } from '../device/byte-reader.ts';
import { concat, u8, u16 } from '../device/bytes.ts';
import { CAPABILITY } from '../device/capability.ts';
import { DeviceFault, FAULT, orFault } from '../device/device-fault.ts';
import type { DeviceState } from '../device/device-state.ts';
import { isAtLeast } from '../device/firmware.ts';
import { OBJECT_TYPE } from '../device/object-type.ts';
import { type Material, ORIGIN } from '../device/stored-object.ts';
import type { CommandSpec } from './command-spec.ts';
import { createObject, readParams } from './create-object.ts';

/** In the order of their codes. */
export const AUTHENTICATION_KEY_COMMANDS: readonly CommandSpec[] = [
  {
    code: 0x44,
    name: 'PutAuthenticationKey',
    capability: CAPABILITY.putAuthenticationKey,
    run: (context, data) => {
      const params = readParams(data);
      const object = {
        ...params,
        type: OBJECT_TYPE.authenticationKey,
        delegated: data.u64(),
        origin: ORIGIN.imported,
      };
      return createObject(context, object, () => readKey(context.state, params.algorithm, data));
    },
  },
  {
    code: 0x6c,
    name: 'ChangeAuthenticationKey',
    since: { major: 2, minor: 1, patch: 0 },
    capability: CAPABILITY.changeAuthenticationKey,
    run: ({ state, principal, concerns }, data) => {
      const [id, algorithm] = [data.u16(), data.u8()];
      concerns(id);
      const material = readKey(state, algorithm, data);
      if (id !== principal.authKeyId) throw new DeviceFault(FAULT.invalidId);
      const object = state.store.find(principal, OBJECT_TYPE.authenticationKey, id);
      if (object.algorithm !== algorithm) throw new DeviceFault(FAULT.invalidData);
      state.store.replace({ ...object, material });
      return u16(id);
    },
  },
];

/** Two AES keys or a public key, and nothing after it. */
function readKey(state: DeviceState, algorithm: number, data: ByteReader): Material {
  if (algorithm === ALGORITHM.aes128YubicoAuthentication) {
    const [encKey, macKey] = [data.take(16), data.take(16)];
    data.end();
    return { kind: 'auth-symmetric', encKey, macKey };
  }
  const isAsymmetric =
    algorithm === ALGORITHM.ecP256YubicoAuthentication && isAtLeast(state.identity.firmware, 2, 3);
  if (!isAsymmetric) throw new DeviceFault(FAULT.invalidData);
  const publicKey = concat(u8(4), data.take(64));
  data.end();
  orFault(FAULT.invalidData, () => {
    const ecdh = createECDH('prime256v1');
    ecdh.generateKeys();
    ecdh.computeSecret(publicKey);
  });
  return { kind: 'auth-asymmetric', publicKey };
}
