/** Who signs with which key on which chain, as a starting signer learns it. */
import type { PublicKey } from '@privval/proto/crypto/public-key';
import { hexFromBytes } from '@privval/proto/runtime/bytes';
import { CodedError } from '@privval/proto/runtime/coded-error';
import type { ChainId } from '@privval/proto/types/chain-id';

/** A validator that is about to sign with a key. */
export interface KeyClaim {
  readonly validator: string;
  readonly chainId: ChainId;
  readonly publicKey: PublicKey;
}

/** Two validators hold one key on one chain (S1): nothing is served, for they would sign against each other. */
export class KeyUsedTwiceError extends CodedError {
  override readonly name = 'KeyUsedTwiceError';
  readonly code = 'ERR_KEY_USED_TWICE';

  constructor(first: string, second: string, chainId: ChainId) {
    super(`validators ${first} and ${second} hold the same key on chain ${chainId}`);
  }
}

/**
 * One floor for one key on one chain, checked with the keys themselves: the database refuses a
 * second one already, and this is the same question put to what will really sign.
 */
export class KeyClaims {
  readonly #holders = new Map<string, string>();

  /** @throws {KeyUsedTwiceError} ERR_KEY_USED_TWICE */
  claim({ validator, chainId, publicKey }: KeyClaim): void {
    const claim = `${hexFromBytes(publicKey.bytes)} ${chainId}`;
    const holder = this.#holders.get(claim);
    if (holder !== undefined) throw new KeyUsedTwiceError(holder, validator, chainId);
    this.#holders.set(claim, validator);
  }
}
