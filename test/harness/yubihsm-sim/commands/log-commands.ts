/** Commands about the log. Both work while it is full, or it could never be emptied. */
import { CAPABILITY } from '../device/capability.ts';
import { DeviceFault, FAULT } from '../device/device-fault.ts';
import { type CommandSpec, NOTHING } from './command-spec.ts';

/** In the order of their codes. */
export const LOG_COMMANDS: readonly CommandSpec[] = [
  {
    code: 0x4d,
    name: 'GetLogEntries',
    capability: CAPABILITY.getLogEntries,
    worksWithFullLog: true,
    run: ({ state }, data) => {
      data.end();
      return state.log.read();
    },
  },
  {
    code: 0x67,
    name: 'SetLogIndex',
    capability: CAPABILITY.getLogEntries,
    worksWithFullLog: true,
    run: ({ state }, data) => {
      const index = data.u16();
      data.end();
      if (!state.log.free(index)) throw new DeviceFault(FAULT.invalidData);
      return NOTHING;
    },
  },
];
