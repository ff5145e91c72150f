/** What a changed `signer.toml` means for a running signer (S35). Pure. */
import type { LogLevel, SignerConfig } from '../config/config.ts';
import { providerName } from '../keyring/provider-options.ts';
import type { ValidatorOptions } from '../signer-validator.ts';
import { nodeLists } from './edit-nodes.ts';
import { ReloadRefusedError } from './node-errors.ts';

/** What is to be done. */
export interface ReloadPlan {
  /** For a person: `log.level`, `validator main: nodes`. */
  readonly changed: readonly string[];
  /** Tables whose change takes a restart. */
  readonly needsRestart: readonly string[];
  /** Validators with other nodes, RPCs or witnesses. */
  readonly nodesOf: readonly ValidatorOptions[];
  readonly logLevel: LogLevel | undefined;
}

/**
 * Key, chain and validators are bound in the database: a file that says otherwise changes nothing at
 * all, and so does one that lacks a validator which is served.
 *
 * @throws {ReloadRefusedError} ERR_RELOAD_REFUSED
 */
export function planReload(running: SignerConfig, wanted: SignerConfig): ReloadPlan {
  const there = new Map(running.validators.map((validator) => [validator.name, validator]));
  for (const { name } of running.validators) {
    if (!wanted.validators.some((validator) => validator.name === name)) {
      throw new ReloadRefusedError(
        `validator ${name} is served and no longer in the file: freeze it, and restart without it`,
      );
    }
  }
  const nodesOf: ValidatorOptions[] = [];
  const changed: string[] = [];
  const needsRestart: string[] = [];
  for (const validator of wanted.validators) {
    const before = there.get(validator.name);
    if (before === undefined) {
      needsRestart.push(`validator ${validator.name}`);
      continue;
    }
    checkBinding(before, validator);
    if (JSON.stringify(validator.grpc) !== JSON.stringify(before.grpc)) {
      needsRestart.push(`validator ${validator.name}: grpc`);
    }
    if (JSON.stringify(nodeLists(validator)) === JSON.stringify(nodeLists(before))) continue;
    nodesOf.push(validator);
    changed.push(`validator ${validator.name}: nodes`);
  }
  const logLevel = wanted.log.level === running.log.level ? undefined : wanted.log.level;
  if (logLevel !== undefined) changed.push('log.level');
  for (const key of ['http', 'admin', 'audit', 'identityFile'] as const) {
    if (JSON.stringify(running[key]) !== JSON.stringify(wanted[key])) needsRestart.push(key);
  }
  if (running.log.format !== wanted.log.format) needsRestart.push('log.format');
  return { changed, needsRestart, nodesOf, logLevel };
}

function checkBinding(before: ValidatorOptions, after: ValidatorOptions): void {
  const { name } = before;
  if (before.chainId !== after.chainId) {
    throw new ReloadRefusedError(
      `validator ${name} is bound to chain ${JSON.stringify(before.chainId)} in floor.db, the file says ${JSON.stringify(after.chainId)}`,
    );
  }
  const keys = (validator: ValidatorOptions): string => JSON.stringify(validator.providers);
  if (keys(before) !== keys(after)) {
    throw new ReloadRefusedError(
      `the key of validator ${name} is in ${before.providers.map(providerName).join(' and ')}, the file says ` +
        `${after.providers.map(providerName).join(' and ')}: keys are rotated with signer keys rotate, and moved while the signer is stopped`,
    );
  }
}
