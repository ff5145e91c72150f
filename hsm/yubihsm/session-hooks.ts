/** How the owner of a client takes part in its sessions. */
import type { Command } from './commands/command.ts';

/** Runs a command in one certain session. */
export type RunInSession = <Reply>(command: Command<Reply>) => Promise<Reply>;

/** Told what happens to sessions; for logs and counters. */
export interface SessionObserver {
  /** A session was opened, and `checkDevice` passed. */
  opened?(sessionId: number): void;
  /**
   * A session ended before its time. ERR_YUBIHSM_UNTRUSTED_MESSAGE among the errors is a matter of
   * security: somebody forges, or the way to the device is bad.
   */
  lost?(sessionId: number, error: unknown): void;
}
