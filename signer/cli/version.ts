/** `signer version`. */
import { type CliContext, printJson } from './context.ts';
import { VERSION } from './release.ts';

/** Prints this release and what it runs on. */
export async function runVersion(
  context: CliContext,
  flags: { readonly json?: boolean },
): Promise<void> {
  const { node } = process.versions;
  if (flags.json === true) printJson(context, { version: VERSION, node });
  else context.print(`signer ${VERSION} (Node.js ${node})`);
}
