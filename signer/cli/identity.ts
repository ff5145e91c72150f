/** `signer identity show`. */
import { resolve } from 'node:path';
import { checkHome } from '../home/check-home.ts';
import { type CliContext, type HomeFlags, printJson } from './context.ts';
import { readIdentityJson } from './describe-validator.ts';

/** As the command line has them. */
export interface IdentityFlags extends HomeFlags {
  readonly format: 'node-id' | 'libp2p' | 'hex';
}

/** Prints what a node pins. */
export async function runIdentityShow(context: CliContext, flags: IdentityFlags): Promise<void> {
  const home = resolve(flags.home);
  checkHome(home);
  const identity = readIdentityJson(home);
  if (flags.json === true) printJson(context, identity);
  else context.print(identity[flags.format === 'node-id' ? 'nodeId' : flags.format]);
}
