/** What a decoder must offer to be fuzzed. */
import { CodedError, InvariantError } from '@privval/proto/runtime/coded-error';

/** A decoder of bytes that somebody else wrote, and what it owes us on every input. */
export interface FuzzTarget {
  /** Names its corpus too: `test/fuzz/corpus/<name>.hex`. */
  readonly name: string;
  /** Its part of the inputs, where an equal one would take too long (a key derivation, say). @default 1 */
  readonly share?: number;
  /**
   * Decodes. It may throw what `allowed` admits; anything else is a finding. What it accepts must
   * keep the decoder's promises (written and read again it is the same, and the like): see {@link owed}.
   */
  run(bytes: Uint8Array): void | Promise<void>;
  /** Whether an error is a proper refusal of bad bytes. */
  allowed(error: unknown): boolean;
}

/** A promise of a decoder was broken: always a finding, whatever the target allows. */
export class BrokenPromiseError extends Error {
  override readonly name = 'BrokenPromiseError';
}

/** Throws {@link BrokenPromiseError} unless `kept`. */
export function owed(kept: boolean, promise: string): void {
  if (!kept) throw new BrokenPromiseError(promise);
}

/** What most targets allow: any error of ours with a code, except the one that says we have a bug. */
export function isCodedRefusal(error: unknown): boolean {
  return error instanceof CodedError && !(error instanceof InvariantError);
}

/** What a target allows whose decoder promises to refuse with these codes and no others. */
export function refusedAs(...codes: readonly `ERR_${string}`[]): (error: unknown) => boolean {
  return (error) => error instanceof CodedError && codes.includes(error.code);
}
