/** What somebody else sends so that the chain takes the new key. Lines of text; nothing is sent from here. */
import { base64FromBytes } from '@privval/proto/runtime/bytes';

/** The keys, 32 bytes each. */
export interface KeyPair {
  readonly oldKey: Uint8Array;
  readonly newKey: Uint8Array;
}

/** What the chain has already, and which form its application reads. */
export interface KvstoreOptions {
  /** Of the new key. */
  readonly power: bigint;
  /** Whether the new key has power already. */
  readonly isNewKeyIn: boolean;
  /** Whether the old key has none any more: its removal sent twice stops every node (S48). */
  readonly isOldKeyOut: boolean;
  /** `val:KEY!POWER`, as applications before v0.38 read it. @default `val=ed25519!KEY!POWER` */
  readonly isUntyped?: boolean | undefined;
}

/**
 * Transactions of the stock kvstore application, one a line, the new key first. What the chain has
 * already is left out: the second removal of one key stops every node (S48).
 */
export function kvstoreTransactions(
  { oldKey, newKey }: KeyPair,
  { power, isNewKeyIn, isOldKeyOut, isUntyped = false }: KvstoreOptions,
): readonly string[] {
  const prefix = isUntyped ? 'val:' : 'val=ed25519!';
  const update = (key: Uint8Array, to: bigint): string => `${prefix}${base64FromBytes(key)}!${to}`;
  return [
    ...(isNewKeyIn ? [] : [update(newKey, power)]),
    ...(isOldKeyOut ? [] : [update(oldKey, 0n)]),
  ];
}

/**
 * For an application on the Cosmos SDK, v0.55 or later: the public key as `tx staking
 * rotate-cons-pub-key` takes it, and a transaction with the message, unsigned. JSON only: whoever
 * signs it makes the bytes. The chain removes the old key by itself.
 *
 * @param operator the validator's operator address, which signs and pays
 */
export function sdkTransactions(
  { newKey }: Pick<KeyPair, 'newKey'>,
  operator: string,
): readonly [string, string] {
  const publicKey = {
    '@type': '/cosmos.crypto.ed25519.PubKey',
    key: base64FromBytes(newKey),
  };
  const message = {
    '@type': '/cosmos.staking.v1beta1.MsgRotateConsPubKey',
    validator_address: operator,
    new_pubkey: publicKey,
  };
  const transaction = {
    body: {
      messages: [message],
      memo: '',
      timeout_height: '0',
      extension_options: [],
      non_critical_extension_options: [],
    },
    auth_info: {
      signer_infos: [],
      fee: { amount: [], gas_limit: '0', payer: '', granter: '' },
    },
    signatures: [],
  };
  return [JSON.stringify(publicKey), JSON.stringify(transaction)];
}
