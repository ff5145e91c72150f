/** All commands of an open session. What is not here is answered 01. */
import { ASYMMETRIC_KEY_COMMANDS } from './asymmetric-key-commands.ts';
import { ATTESTATION_COMMANDS } from './attestation-commands.ts';
import { AUTHENTICATION_KEY_COMMANDS } from './authentication-key-commands.ts';
import type { CommandSpec } from './command-spec.ts';
import { DEVICE_COMMANDS } from './device-commands.ts';
import { HMAC_KEY_COMMANDS } from './hmac-key-commands.ts';
import { LOG_COMMANDS } from './log-commands.ts';
import { OBJECT_COMMANDS } from './object-commands.ts';
import { OTP_COMMANDS } from './otp-commands.ts';
import { RSA_WRAP_COMMANDS } from './rsa-wrap-commands.ts';
import { SYMMETRIC_KEY_COMMANDS } from './symmetric-key-commands.ts';
import { WRAP_COMMANDS } from './wrap-commands.ts';

/** By code. Not modelled: SignSshCertificate (5d). */
export const COMMANDS: ReadonlyMap<number, CommandSpec> = new Map(
  [
    ...DEVICE_COMMANDS,
    ...LOG_COMMANDS,
    ...OBJECT_COMMANDS,
    ...AUTHENTICATION_KEY_COMMANDS,
    ...ASYMMETRIC_KEY_COMMANDS,
    ...ATTESTATION_COMMANDS,
    ...WRAP_COMMANDS,
    ...RSA_WRAP_COMMANDS,
    ...HMAC_KEY_COMMANDS,
    ...SYMMETRIC_KEY_COMMANDS,
    ...OTP_COMMANDS,
  ].map((command) => [command.code, command]),
);
