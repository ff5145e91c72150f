import { ed25519PublicKey } from '@privval/proto/crypto/public-key';
import { parseChainId } from '@privval/proto/types/chain-id';
import { KeyClaims } from '@privval/signer/keyring/key-claims';
import { expect, it } from 'vitest';

const one = ed25519PublicKey(new Uint8Array(32).fill(1));
const two = ed25519PublicKey(new Uint8Array(32).fill(2));
const chain = parseChainId('chain');

it('S1: one key on one chain is claimed once', () => {
  const claims = new KeyClaims();
  claims.claim({ validator: 'a', chainId: chain, publicKey: one });
  expect(() => claims.claim({ validator: 'b', chainId: chain, publicKey: one })).toThrow(
    expect.objectContaining({ code: 'ERR_KEY_USED_TWICE' }),
  );
});

it('S1: another key, or the same key on another chain, is another validator', () => {
  const claims = new KeyClaims();
  claims.claim({ validator: 'a', chainId: chain, publicKey: one });
  claims.claim({ validator: 'b', chainId: chain, publicKey: two });
  claims.claim({ validator: 'c', chainId: parseChainId('other'), publicKey: one });
});
