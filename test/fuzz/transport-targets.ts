/** What the encrypted transports read before and after they know who is there. */
import { CipherState } from '@privval/proto/crypto/cipher-state';
import type { Opener } from '@privval/proto/crypto/sealed-stream';
import { X25519KeyPair } from '@privval/proto/crypto/x25519';
import { NoiseOpener } from '@privval/proto/noise/frame-sealer';
import { NoiseHandshake } from '@privval/proto/noise/handshake';
import { encodeIdentityKey } from '@privval/proto/noise/identity-key';
import { decodePayload } from '@privval/proto/noise/payload';
import { formatLibp2pPeerId, parseLibp2pPeerId, peerIdBytes } from '@privval/proto/noise/peer-id';
import { concatBytes, equalBytes } from '@privval/proto/runtime/bytes';
import { FrameOpener } from '@privval/proto/secret-connection/frame-sealer';
import {
  decodeEphemeral,
  encodeEphemeral,
  verifyAuth,
} from '@privval/proto/secret-connection/handshake';
import { type FuzzTarget, isCodedRefusal, owed } from './fuzz-target.ts';

const KEY = new Uint8Array(32).fill(4);
const CHALLENGE = new Uint8Array(32).fill(7);

/** SecretConnection's two handshake messages: the first byte chooses which. */
export const secretHandshakeTarget: FuzzTarget = {
  name: 'secret-handshake',
  run(bytes) {
    const message = bytes.subarray(1);
    if (((bytes[0] ?? 0) & 1) === 0) {
      const key = decodeEphemeral(message);
      if (key === undefined) return;
      owed(equalBytes(encodeEphemeral(key), message.subarray(0, 35)), 'a key has one message');
    } else {
      owed(
        verifyAuth(message, CHALLENGE) === undefined || message.length >= 103,
        'no proof in half a message',
      );
    }
  },
  allowed: isCodedRefusal,
};

/**
 * SecretConnection frames whose seal is right and whose content is anything: what a peer with a key
 * can send. The first byte says how the wire bytes are cut.
 */
export const secretFrameTarget: FuzzTarget = {
  name: 'secret-frame',
  run(bytes) {
    const plaintext = new Uint8Array(1028);
    plaintext.set(bytes.subarray(1, 1029));
    const wire = new Uint8Array(1044);
    new CipherState(KEY.slice()).encrypt(wire, plaintext, null);
    const opened = openInPieces(new FrameOpener(KEY.slice()), wire, 1 + 4 * (bytes[0] ?? 0));
    owed(opened.length <= 1024, 'a frame carries 1,024 bytes at most');
    owed(equalBytes(opened, plaintext.subarray(4, 4 + opened.length)), 'a frame carries its data');
  },
  allowed: isCodedRefusal,
};

/** Wire bytes of Noise as they come: framing is in the clear, and nothing is sealed rightly. */
export const noiseFrameTarget: FuzzTarget = {
  name: 'noise-frame',
  run(bytes) {
    const opened = openInPieces(
      new NoiseOpener(KEY.slice()),
      bytes.subarray(1),
      1 + (bytes[0] ?? 0),
    );
    owed(opened.length === 0 || bytes.length > 18, 'nothing is made of nothing');
  },
  allowed: isCodedRefusal,
};

/** The identity payload inside Noise's handshake. */
export const noisePayloadTarget: FuzzTarget = {
  name: 'noise-payload',
  run(bytes) {
    const { key } = decodePayload(bytes);
    const marshalled = encodeIdentityKey(key);
    owed(Buffer.from(bytes).includes(marshalled), 'a key has one spelling');
    owed(
      equalBytes(parseLibp2pPeerId(formatLibp2pPeerId(peerIdBytes(key))), peerIdBytes(key)),
      'every key has an id',
    );
  },
  allowed: isCodedRefusal,
};

/** Noise's handshake messages 1 and 2: every input is read by both sides that await one. */
export const noiseHandshakeTarget: FuzzTarget = {
  name: 'noise-handshake',
  // A key agreement costs what hundreds of decoded messages do.
  share: 0.05,
  run(bytes) {
    const keys = {
      staticKey: X25519KeyPair.fromSecret(new Uint8Array(32).fill(0x21)),
      ephemeralKey: X25519KeyPair.fromSecret(new Uint8Array(32).fill(0x22)),
    };
    using responder = new NoiseHandshake('responder', keys);
    owed(
      (outcomeOf(() => responder.read(bytes))?.length ?? 0) <= bytes.length,
      'no more than came',
    );
    using initiator = new NoiseHandshake('initiator', keys);
    initiator.write(new Uint8Array(0));
    const payload = initiator.read(bytes);
    owed(payload.length < bytes.length, 'a payload is part of its message');
  },
  allowed: isCodedRefusal,
};

/** The result, or `undefined` for a proper refusal; where one input is given to several readers. */
function outcomeOf<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isCodedRefusal(error)) return undefined;
    throw error;
  }
}

function openInPieces(opener: Opener, wire: Uint8Array, size: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let offset = 0; offset < wire.length; offset += size) {
    const part = opener.open(wire.slice(offset, offset + size));
    if (part !== undefined) parts.push(part);
  }
  return concatBytes(...parts);
}
