/** Does what was planned. */
import { existsSync } from 'node:fs';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { equalBytes } from '@privval/proto/runtime/bytes';
import { addValidator } from '../home/add-validator.ts';
import { createHome, type HomeDeps } from '../home/create-home.ts';
import { readStateFile } from '../home/first-floor.ts';
import type { NewValidator } from '../home/new-validator.ts';
import { ImportSignerRunningError } from './import-errors.ts';
import type { ImportPlan } from './plan-import.ts';

/** How a caller follows an import of several validators. */
export interface RunImportOptions extends AbortOptions {
  /** Each one as soon as it is in the home, also when a later one fails. */
  readonly onMade: (made: NewValidator) => void;
}

/**
 * Makes the home, or opens it, and puts the validators in, one after the other. Each is there whole
 * with its floor, or not at all.
 *
 * @throws {ImportSignerRunningError} ERR_IMPORT_SIGNER_RUNNING when a state is not the planned one any more.
 * @throws what {@link createHome} and {@link addValidator} throw.
 */
export async function runImport(
  deps: HomeDeps,
  plan: ImportPlan,
  { onMade, signal }: RunImportOptions,
): Promise<void> {
  for (const [index, { request }] of plan.validators.entries()) {
    checkUnmoved(plan);
    const options = { home: plan.home, validator: request, signal };
    const isFirst = plan.isNewHome && index === 0;
    onMade(await (isFirst ? createHome(deps, options) : addValidator(deps, options)));
  }
}

/** A signer that runs somewhere else shows here, if anywhere: its state moves. */
function checkUnmoved({ validators }: ImportPlan): void {
  for (const { states, missing } of validators) {
    const moved =
      states.find(({ path, content }) => !equalBytes(content, readStateFile(path)))?.path ??
      missing.find((path) => existsSync(path));
    if (moved !== undefined) {
      throw new ImportSignerRunningError(`${moved} changed while it was imported`);
    }
  }
}
