/** `signer why HEIGHT`: what happened to a vote. */
import type { WhyJson } from '../http/admin-bodies.ts';
import { type CliContext, printJson } from './context.ts';
import { Daemon, type DaemonFlags } from './daemon.ts';

/** Looking through a long log takes its time. */
const TIMEOUT_MS = 30_000;

/** Asks the running signer, which has the log and the connections. */
export async function runWhy(
  context: CliContext,
  height: bigint,
  flags: DaemonFlags,
): Promise<void> {
  const daemon = new Daemon(context, flags);
  const validator = await daemon.chosen(flags.validator);
  const why = await daemon.call<WhyJson>('validator.why', {
    params: { validator, height: String(height) },
    timeoutMs: TIMEOUT_MS,
  });
  if (flags.json === true) printJson(context, why);
  else for (const sentence of why.sentences) context.print(sentence);
}
