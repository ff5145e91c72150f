/** Cases of the oracle: random inputs, and what CometBFT makes of them. Bytes are lower-case hex everywhere. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { peerBinary } from './peers.ts';

const run = promisify(execFile);

/** A block id; both hashes empty and `total` 0 is nil. */
export interface OracleBlockId {
  readonly hash: string;
  readonly total: number;
  readonly partsHash: string;
}

/** Seconds as decimal text, possibly outside the range that can be encoded where a case says so. */
export interface OracleTimestamp {
  readonly seconds: string;
  readonly nanos: number;
}

/** A vote; heights are decimal text of an int64. */
export interface OracleVote {
  readonly type: number;
  readonly height: string;
  readonly round: number;
  readonly blockId: OracleBlockId;
  readonly timestamp: OracleTimestamp;
  readonly validatorAddress: string;
  readonly validatorIndex: number;
  readonly signature: string;
  readonly extension: string;
  readonly extensionSignature: string;
}

/** A proposal. */
export interface OracleProposal {
  readonly type: number;
  readonly height: string;
  readonly round: number;
  readonly polRound: number;
  readonly blockId: OracleBlockId;
  readonly timestamp: OracleTimestamp;
  readonly signature: string;
}

/** Sign bytes; `null` where CometBFT panics: a hash of neither 0 nor 32 bytes, a time outside years 1 to 9999. */
export type SignBytesCase =
  | {
      readonly kind: 'vote';
      readonly chainId: string;
      readonly vote: OracleVote;
      readonly signBytes: string | null;
      readonly extensionSignBytes: string;
    }
  | {
      readonly kind: 'proposal';
      readonly chainId: string;
      readonly proposal: OracleProposal;
      readonly signBytes: string | null;
    };

/** A key, its names, its files as CometBFT writes them (text), and a signature. */
export interface KeyCase {
  readonly kind: 'key';
  readonly seed: string;
  readonly privateKey: string;
  readonly publicKey: string;
  /** Upper-case hex. */
  readonly address: string;
  readonly nodeId: string;
  readonly publicKeyJson: string;
  readonly nodeKeyFile: string;
  readonly keyFile: string;
  readonly stateFile: string;
  readonly message: string;
  readonly signature: string;
}

/** A signature, perhaps damaged: CometBFT's verdict (ZIP-215), and that of Go's stricter crypto/ed25519. */
export interface SignatureCase {
  readonly kind: 'signature';
  readonly how: string;
  readonly publicKey: string;
  readonly message: string;
  readonly signature: string;
  readonly valid: boolean;
  readonly strict: boolean;
}

/** What both sides derive; `null`s where the peer's key has low order. */
export interface SecretsCase {
  readonly kind: 'secrets';
  readonly localSecret: string;
  readonly localPublic: string;
  readonly remotePublic: string;
  readonly sharedSecret: string | null;
  readonly localIsLower: boolean;
  readonly receiveKey: string | null;
  readonly sendKey: string | null;
  readonly challenge: string | null;
  readonly authMessageSeed: string;
  readonly authMessage: string | null;
}

/** One sealed frame with zeros as padding; `counter` is decimal text of a uint64. */
export interface FrameCase {
  readonly kind: 'frame';
  readonly key: string;
  readonly counter: string;
  readonly data: string;
  readonly sealed: string;
}

/** One side of a whole connection. */
export interface HandshakeParty {
  readonly seed: string;
  readonly publicKey: string;
  readonly nodeId: string;
  readonly ephemeralSecret: string;
  readonly ephemeralPublic: string;
  /** What it wrote after the handshake, one entry a write. */
  readonly sent: readonly string[];
  /** Every byte it put on the wire. The padding of all frames but the first is not zeros: decrypt them. */
  readonly wire: string;
}

/** A connection between two parties that both run CometBFT's own code. */
export interface HandshakeCase {
  readonly kind: 'handshake';
  readonly alice: HandshakeParty;
  readonly bob: HandshakeParty;
}

/** A privval Message; fields that its type does not have are missing. */
export interface MessageCase {
  readonly kind: 'message';
  readonly dialect: 'tendermint' | 'cometbft-v1';
  readonly type: string;
  readonly chainId?: string;
  readonly vote?: OracleVote;
  readonly proposal?: OracleProposal;
  readonly pubKey?: { readonly type: 'ed25519' | 'secp256k1'; readonly value: string };
  readonly error?: { readonly code: number; readonly description: string };
  readonly skipExtensionSigning?: boolean;
  readonly value?: string;
  readonly signature?: string;
  readonly message: string;
  /** `message` with its length before it. */
  readonly framed: string;
}

/** A Message, perhaps damaged, and what CometBFT writes for what it read; `null` when it refuses to read it. */
export interface DecodeCase {
  readonly kind: 'decode';
  readonly dialect: 'tendermint' | 'cometbft-v1';
  readonly input: string;
  readonly encoded: string | null;
}

/** The case of each kind that `oracle gen` knows. */
export interface OracleCases {
  readonly 'sign-bytes': SignBytesCase;
  readonly keys: KeyCase;
  readonly signatures: SignatureCase;
  readonly secrets: SecretsCase;
  readonly frames: FrameCase;
  readonly handshakes: HandshakeCase;
  readonly messages: MessageCase;
  readonly decodes: DecodeCase;
}

/**
 * `count` cases; the same seed gives the same ones. 10,000 take between 0.1 s and 4 s, but handshakes 14 s
 * and 160 MB of text.
 *
 * @throws {PeerMissingError} when the oracle has not been built.
 */
export async function oracleCases<Kind extends keyof OracleCases>(
  kind: Kind,
  options: { readonly seed: number; readonly count: number },
): Promise<readonly OracleCases[Kind][]> {
  const { seed, count } = options;
  const args = ['gen', '-kind', kind, '-seed', String(seed), '-count', String(count)];
  const { stdout } = await run(peerBinary('oracle'), args, { maxBuffer: 512 * 1024 * 1024 });
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as OracleCases[Kind]);
}
