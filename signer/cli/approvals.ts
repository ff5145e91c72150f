/** `signer approvals | approve`: the second person of two-person mode. */
import { resolve } from 'node:path';
import type { Approval } from '../http/access.ts';
import { readTokenFile } from '../http/token-file.ts';
import { type CliContext, type HomeFlags, printJson, printTable } from './context.ts';
import { Daemon } from './daemon.ts';

/** Lists what waits. */
export async function runApprovals(context: CliContext, flags: HomeFlags): Promise<void> {
  const approvals = await new Daemon(context, flags).call<readonly Approval[]>('approvals');
  if (flags.json === true) {
    printJson(context, approvals);
    return;
  }
  printTable(
    context,
    ['ID', 'ACT', 'VALIDATOR', 'ASKED BY', 'STATE', 'UNTIL', 'HASH'],
    approvals.map(({ id, act, validator, askedBy, state, expiresAt, hash }) => [
      id,
      act,
      validator ?? '-',
      askedBy,
      state,
      expiresAt,
      hash,
    ]),
  );
}

/** As the command line has them. */
export interface ApproveFlags extends HomeFlags {
  readonly hash?: string;
  readonly tokenFile?: string;
}

/** Approves what another one asked. */
export async function runApprove(
  context: CliContext,
  id: string,
  flags: ApproveFlags,
): Promise<void> {
  const { hash, tokenFile } = flags;
  const token = tokenFile === undefined ? undefined : readTokenFile(resolve(tokenFile));
  const approval = await new Daemon(context, flags).call<Approval>('approvals.approve', {
    params: { id },
    body: hash === undefined ? {} : { hash },
    token,
  });
  if (flags.json === true) printJson(context, approval);
  else context.print(`approved: ${approval.act} of ${approval.validator ?? 'the signer'}`);
}
