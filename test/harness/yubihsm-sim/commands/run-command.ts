/** One command of an open session: may it run, what does it answer, what does the log say. */
import { type Principal, requireOfPrincipal } from '../device/access.ts';
import { NO_ID } from '../device/audit-log.ts';
import { ByteReader } from '../device/byte-reader.ts';
import { DeviceFault, FAULT } from '../device/device-fault.ts';
import type { DeviceState } from '../device/device-state.ts';
import { isAtLeast } from '../device/firmware.ts';
import { ERROR_REPLY, errorReply, type Message, reply } from '../device/frame.ts';
import type { CommandSpec } from './command-spec.ts';
import { COMMANDS } from './command-table.ts';

/** The command of that code, if this firmware has it. */
export function commandOf(state: DeviceState, code: number): CommandSpec | undefined {
  const spec = COMMANDS.get(code);
  const { major = 0, minor = 0, patch = 0 } = spec?.since ?? {};
  return isAtLeast(state.identity.firmware, major, minor, patch) ? spec : undefined;
}

/**
 * Runs a command for `principal` and logs it. With force-audit and a full log, what would have to be
 * logged is answered 0a and neither done nor logged.
 *
 * `tick`: what the log says of the time.
 */
export function runCommand(
  state: DeviceState,
  principal: Principal,
  request: Message,
  tick: number,
): Message {
  const spec = commandOf(state, request.command);
  const { options, log } = state;
  const isAudited = options.isAudited(request.command);
  if (isAudited && options.isForced && log.isFull && spec?.worksWithFullLog !== true) {
    return errorReply(FAULT.logFull);
  }
  const keys: number[] = [];
  const answer = answerOf(state, principal, request, spec, keys);
  if (isAudited) {
    const [targetKey = NO_ID, secondKey = NO_ID] = keys;
    const isError = answer.command === ERROR_REPLY;
    log.add(
      {
        command: request.command,
        length: request.data.length,
        sessionKey: principal.authKeyId,
        targetKey,
        secondKey,
        result: isError ? (answer.data[0] ?? 0) : answer.command,
        tick,
      },
      options.isForced,
    );
  }
  return answer;
}

function answerOf(
  state: DeviceState,
  principal: Principal,
  { command, data }: Message,
  spec: CommandSpec | undefined,
  keys: number[],
): Message {
  try {
    if (spec === undefined) throw new DeviceFault(FAULT.invalidCommand);
    requireOfPrincipal(principal, spec.capability ?? 0n);
    const concerns = (...ids: readonly number[]): void => {
      keys.splice(0, keys.length, ...ids);
    };
    return reply(command, spec.run({ state, principal, concerns }, new ByteReader(data)));
  } catch (error) {
    if (!(error instanceof DeviceFault)) throw error;
    return errorReply(error.code);
  }
}
