/** Commands about the device itself. */
import { ALGORITHM, supportedAlgorithms } from '../device/algorithm.ts';
import { LOG_SLOTS } from '../device/audit-log.ts';
import type { ByteReader } from '../device/byte-reader.ts';
import { concat, u8, u16, u32 } from '../device/bytes.ts';
import { CAPABILITY } from '../device/capability.ts';
import { DeviceFault, FAULT } from '../device/device-fault.ts';
import type { DeviceState } from '../device/device-state.ts';
import { isAtLeast, maxInnerBytes } from '../device/firmware.ts';
import { STORAGE } from '../device/object-store.ts';
import { type CommandSpec, NOTHING } from './command-spec.ts';

/** What the second page of DeviceInfo says: the chip, on a real device. */
const PART_NUMBER = 'SIMULATOR';

/** The data of a DeviceInfo reply; a session is not needed for it. */
export function deviceInfo(state: DeviceState, data: ByteReader): Uint8Array {
  const { firmware, serial } = state.identity;
  if (data.left > 0) {
    const page = data.u8();
    data.end();
    if (page !== 1 || !isAtLeast(firmware, 2, 4)) throw new DeviceFault(FAULT.invalidData);
    return new TextEncoder().encode(PART_NUMBER);
  }
  return concat(
    u8(firmware.major),
    u8(firmware.minor),
    u8(firmware.patch),
    u32(serial),
    u8(LOG_SLOTS),
    u8(state.log.used),
    Uint8Array.from(supportedAlgorithms(firmware)),
  );
}

/** The data of a GetDevicePubkey reply. */
export function devicePublicKey(state: DeviceState, data: ByteReader): Uint8Array {
  if (!isAtLeast(state.identity.firmware, 2, 3)) throw new DeviceFault(FAULT.invalidCommand);
  data.end();
  return concat(u8(ALGORITHM.ecP256YubicoAuthentication), state.identity.staticKey.point);
}

/** In the order of their codes. */
export const DEVICE_COMMANDS: readonly CommandSpec[] = [
  { code: 0x01, name: 'Echo', run: (_context, data) => data.rest() },
  { code: 0x06, name: 'DeviceInfo', run: ({ state }, data) => deviceInfo(state, data) },
  {
    code: 0x08,
    name: 'ResetDevice',
    capability: CAPABILITY.resetDevice,
    afterwards: 'reset-device',
    run: (_context, data) => {
      data.end();
      return NOTHING;
    },
  },
  { code: 0x0a, name: 'GetDevicePubkey', run: ({ state }, data) => devicePublicKey(state, data) },
  {
    code: 0x40,
    name: 'CloseSession',
    afterwards: 'close-session',
    run: (_context, data) => {
      data.end();
      return NOTHING;
    },
  },
  {
    code: 0x41,
    name: 'GetStorageInfo',
    run: ({ state }, data) => {
      data.end();
      const free = state.store.free();
      return concat(
        ...[STORAGE.records, free.records, STORAGE.pages, free.pages, STORAGE.pageBytes].map(u16),
      );
    },
  },
  {
    code: 0x4f,
    name: 'SetOption',
    capability: CAPABILITY.setOption,
    run: ({ state }, data) => {
      const [option, length] = [data.u8(), data.u16()];
      const value = data.take(length);
      data.end();
      state.options.write(option, value, state.store.all().length <= 1);
      return NOTHING;
    },
  },
  {
    code: 0x50,
    name: 'GetOption',
    capability: CAPABILITY.getOption,
    run: ({ state }, data) => {
      const option = data.u8();
      data.end();
      return state.options.read(option);
    },
  },
  {
    code: 0x51,
    name: 'GetPseudoRandom',
    capability: CAPABILITY.getPseudoRandom,
    run: ({ state }, data) => {
      const count = data.u16();
      data.end();
      if (count > maxInnerBytes(state.identity.firmware)) throw new DeviceFault(FAULT.invalidData);
      return state.random(count);
    },
  },
  {
    code: 0x6b,
    name: 'BlinkDevice',
    run: (_context, data) => {
      data.u8();
      data.end();
      return NOTHING;
    },
  },
];
