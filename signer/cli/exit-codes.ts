/** What the exit code of a command says. Part of the contract: scripts go by it. */
import { errorCode } from '@privval/proto/runtime/coded-error';

/** The exit codes of every command, with what each means. */
export const EXIT_CODES = {
  done: 0,
  failed: 1,
  usage: 2,
  homeInUse: 3,
  bug: 70,
} as const;

/** As `signer help exit-codes` prints them. */
export const EXIT_CODE_TEXTS: Readonly<Record<keyof typeof EXIT_CODES, string>> = {
  done: 'done; for serve: stopped by SIGTERM or SIGINT, answers in flight finished',
  failed: 'refused or failed; the error says why and has a code of docs/errors.md',
  usage: 'the command line is wrong or incomplete, or a confirmation is missing; nothing was done',
  homeInUse: 'another process has the home (ERR_HOME_LOCKED) or does not answer on admin.sock',
  bug: 'a fault of this program: please report it with the log',
};

/** Errors whose cause is the command line. */
const USAGE_CODES: ReadonlySet<string> = new Set([
  'ERR_USAGE',
  'ERR_CHOOSE_VALIDATOR',
  'ERR_CONFIRMATION_REQUIRED',
  'ERR_DEVICE_NOT_BLANK',
  'ERR_FLOOR_REQUIRED',
  'ERR_GRPC_INSECURE_ADDRESS',
  'ERR_IMPORT_CHOOSE_CHAIN',
  'ERR_IMPORT_NO_STATE',
  'ERR_INVALID_CHAIN_ID',
  'ERR_INVALID_DEVICE_VALUE',
  'ERR_INVALID_DOMAINS',
  'ERR_INVALID_HEIGHT',
  'ERR_INVALID_NODE_ADDRESS',
  'ERR_INVALID_REQUEST',
  'ERR_INVALID_VALIDATOR_NAME',
  'ERR_STATE_WITHOUT_KEY',
]);

const HOME_IN_USE_CODES: ReadonlySet<string> = new Set([
  'ERR_HOME_LOCKED',
  'ERR_FLOOR_LOCKED',
  'ERR_ADMIN_UNREACHABLE',
]);

/** The exit code for an error of any origin. */
export function exitCodeOf(error: unknown): number {
  const code = errorCode(error);
  if (USAGE_CODES.has(code)) return EXIT_CODES.usage;
  if (HOME_IN_USE_CODES.has(code)) return EXIT_CODES.homeInUse;
  if (code === 'ERR_INVARIANT' || code === 'ERR_UNKNOWN') return EXIT_CODES.bug;
  return EXIT_CODES.failed;
}
