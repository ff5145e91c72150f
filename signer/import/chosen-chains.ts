/** Which of a signer's chains are to be taken. */
import { ImportConfigError } from './import-errors.ts';

/**
 * All, or the one that is asked for.
 *
 * @throws {ImportConfigError} ERR_IMPORT_CONFIG when there is none.
 */
export function chosenChains(
  all: readonly string[],
  { path, chainId }: { readonly path: string; readonly chainId: string | undefined },
): readonly string[] {
  const twice = all.find((id, at) => all.indexOf(id) !== at);
  if (twice !== undefined) {
    throw new ImportConfigError({ path, reason: `chain ${JSON.stringify(twice)} is there twice` });
  }
  if (chainId === undefined) {
    if (all.length === 0) throw new ImportConfigError({ path, reason: 'it has no chain' });
    return all;
  }
  if (all.includes(chainId)) return [chainId];
  const there = all.length === 0 ? 'none' : all.join(', ');
  throw new ImportConfigError({
    path,
    reason: `it has no chain ${JSON.stringify(chainId)} (there: ${there})`,
  });
}
