/** Ids, keys, names and numbers, as people and files write them. Each input goes to every reader. */
import { bech32FromPublicKey, decodeBech32, encodeBech32 } from '@privval/proto/crypto/bech32';
import {
  addressFromText,
  addressToText,
  publicKeyFromJson,
  publicKeyToJson,
} from '@privval/proto/crypto/key-json';
import { parseNodeId } from '@privval/proto/crypto/node-id';
import { decodeBase58, decodeMultibase, encodeBase58 } from '@privval/proto/noise/multibase';
import { formatLibp2pPeerId, parseLibp2pPeerId } from '@privval/proto/noise/peer-id';
import { equalBytes } from '@privval/proto/runtime/bytes';
import { MAX_CHAIN_ID_BYTES, parseChainId } from '@privval/proto/types/chain-id';
import { parseEndpoint, printEndpoint } from '@privval/signer/connection/node-address';
import { parseHeight } from '@privval/signer/home/height';
import { parseValidatorName } from '@privval/signer/home/validator-name';
import { type FuzzTarget, isCodedRefusal, owed } from './fuzz-target.ts';

/** Texts of ids and keys. */
export const keyTextTarget: FuzzTarget = {
  name: 'key-text',
  run(bytes) {
    readByAny(
      [readPeerId, readBase58, readMultibase, readBech32, readNodeId, readAddress, readKeyValue],
      new TextDecoder().decode(bytes),
    );
  },
  allowed: isCodedRefusal,
};

/** A public key as a JSON value; what is no JSON at all is another reader's matter. */
export const keyJsonTarget: FuzzTarget = {
  name: 'key-json',
  run(bytes) {
    const key = publicKeyFromJson(jsonOf(bytes));
    const again = publicKeyFromJson(JSON.parse(JSON.stringify(publicKeyToJson(key))));
    owed(equalBytes(again.bytes, key.bytes), 'a key survives its JSON');
  },
  allowed: isCodedRefusal,
};

/** Names and numbers on a command line. */
export const nameTextTarget: FuzzTarget = {
  name: 'name-text',
  run(bytes) {
    readByAny(
      [readChainId, readValidatorName, readHeight, readEndpoint],
      new TextDecoder().decode(bytes),
    );
  },
  allowed: isCodedRefusal,
};

/** Accepted when one reader accepts, so that the pool of good inputs holds good inputs. */
function readByAny(readers: readonly ((text: string) => void)[], text: string): void {
  let refusals = 0;
  let last: unknown;
  for (const read of readers) {
    try {
      read(text);
    } catch (error) {
      if (!isCodedRefusal(error)) throw error;
      refusals += 1;
      last = error;
    }
  }
  if (refusals === readers.length) throw last;
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

function readPeerId(text: string): void {
  const multihash = parseLibp2pPeerId(text);
  owed(
    equalBytes(parseLibp2pPeerId(formatLibp2pPeerId(multihash)), multihash),
    'an id that was read can be written and read',
  );
}

function readBase58(text: string): void {
  owed(encodeBase58(decodeBase58(text)) === text, 'base58 has one spelling');
}

function readMultibase(text: string): void {
  const bytes = decodeMultibase(text);
  owed(bytes.length <= text.length, 'a text holds no more bytes than letters');
  owed(text[0] !== 'z' || `z${encodeBase58(bytes)}` === text, 'multibase has one spelling');
}

function readBech32(text: string): void {
  const { prefix, bytes } = decodeBech32(text);
  owed(encodeBech32(prefix, bytes) === text.toLowerCase(), 'bech32 has one spelling');
}

function readNodeId(text: string): void {
  owed(parseNodeId(text) === text.toLowerCase(), 'a node id is its own text');
}

function readAddress(text: string): void {
  owed(addressToText(addressFromText(text)) === text.toUpperCase(), 'an address is its own text');
}

function readKeyValue(text: string): void {
  const key = publicKeyFromJson({ type: 'tendermint/PubKeyEd25519', value: text });
  owed(publicKeyToJson(key).value === text, 'a key has one base64');
  const { bytes } = decodeBech32(bech32FromPublicKey(key));
  owed(equalBytes(bytes.subarray(5), key.bytes), 'every key has a bech32 text');
}

function readChainId(text: string): void {
  owed(Buffer.byteLength(parseChainId(text)) <= MAX_CHAIN_ID_BYTES, 'a chain id is short');
}

function readValidatorName(text: string): void {
  const name = parseValidatorName(text);
  owed(!name.includes('/') && !name.startsWith('.'), 'a name is no path out of the home');
}

function readHeight(text: string): void {
  const height = parseHeight(text);
  owed(height >= 0n && height < 2n ** 63n, 'a height is an int64');
}

function readEndpoint(text: string): void {
  const endpoint = parseEndpoint(text);
  const { host, port } = parseEndpoint(printEndpoint(endpoint));
  owed(host === endpoint.host && port === endpoint.port, 'an endpoint can be written and read');
}
