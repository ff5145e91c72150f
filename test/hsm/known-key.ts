/** The Ed25519 key of the fact sheet's vectors (spec/privval.md 5.1): its seed is sha256("it's a secret"). */
import { createHash } from 'node:crypto';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';

export const KNOWN_PUBLIC_KEY_HEX =
  '556a436f1218d30942efe798420f51dc9b6a311b929c578257457d05c5fcf230';
export const KNOWN_ADDRESS = 'DC52D5CF8DFD1793D71038B342A29B01AD8A5D63';

/** `priv_validator_key.json` as Go writes it for this key (spec/privval.md 5.2), 345 bytes. */
export const KNOWN_KEY_FILE = `{
  "address": "DC52D5CF8DFD1793D71038B342A29B01AD8A5D63",
  "pub_key": {
    "type": "tendermint/PubKeyEd25519",
    "value": "VWpDbxIY0wlC7+eYQg9R3JtqMRuSnFeCV0V9BcX88jA="
  },
  "priv_key": {
    "type": "tendermint/PrivKeyEd25519",
    "value": "nYNNP8rE7iVTa3DhU3b+u2l4YatXNAXYuJKQQX/RYHBVakNvEhjTCULv55hCD1Hcm2oxG5KcV4JXRX0FxfzyMA=="
  }
}`;

/** A fresh array each time: whoever takes a seed zeroes it. */
export function knownSeed(): Uint8Array {
  return new Uint8Array(createHash('sha256').update("it's a secret").digest());
}

export function knownSecretKey(): Ed25519SecretKey {
  return Ed25519SecretKey.fromSeed(knownSeed());
}
