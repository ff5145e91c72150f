/** Why what another signer left behind is not brought in. Nothing was written when one of these is thrown. */
import { CodedError } from '@privval/proto/runtime/coded-error';

/** Another signer's configuration is not one, or says too little. */
export class ImportConfigError extends CodedError {
  override readonly name = 'ImportConfigError';
  readonly code = 'ERR_IMPORT_CONFIG';
  readonly path: string;

  constructor(what: { readonly path: string; readonly reason: string }, options?: ErrorOptions) {
    super(`${what.path}: ${what.reason}`, options);
    this.path = what.path;
  }
}

/** It is not said which of several chains is meant. */
export class ImportChooseChainError extends CodedError {
  override readonly name = 'ImportChooseChainError';
  readonly code = 'ERR_IMPORT_CHOOSE_CHAIN';

  constructor(why: string, chains: readonly string[]) {
    super(`${why}: take one at a time with --chain-id (${chains.join(', ')})`);
  }
}

/** What was found does not tell how far a key has signed (S2). */
export class ImportNoStateError extends CodedError {
  override readonly name = 'ImportNoStateError';
  readonly code = 'ERR_IMPORT_NO_STATE';
  readonly chainId: string;

  constructor(chainId: string, why: string) {
    super(
      `nothing tells how far the key of ${chainId} has signed: ${why}. Find the state and name it with --state-file FILE; or give --floor-height N, at or above anything this key can have signed (the chain's newest height, from a node you trust, once the other signer is stopped for good)`,
    );
    this.chainId = chainId;
  }
}

/** The key is in a place or a form from which it cannot be taken. */
export class ImportKeyUnusableError extends CodedError {
  override readonly name = 'ImportKeyUnusableError';
  readonly code = 'ERR_IMPORT_KEY_UNUSABLE';
  readonly chainId: string;

  constructor(chainId: string, why: string) {
    super(`the key of ${chainId} cannot be taken over: ${why}`);
    this.chainId = chainId;
  }
}

/** A key file was given that is not the one whose state is to be taken. */
export class ImportAnotherKeyError extends CodedError {
  override readonly name = 'ImportAnotherKeyError';
  readonly code = 'ERR_IMPORT_ANOTHER_KEY';

  constructor(keyFile: string, shard: string) {
    super(`${keyFile} is another key than the one ${shard} is a shard of: give the original`);
  }
}

/** The other signer runs, or its state moved while this command looked at it. */
export class ImportSignerRunningError extends CodedError {
  override readonly name = 'ImportSignerRunningError';
  readonly code = 'ERR_IMPORT_SIGNER_RUNNING';

  constructor(why: string) {
    super(
      `${why}: what it signs from now on would not be in the import. Stop it, make sure that nothing starts it again, then import`,
    );
  }
}
