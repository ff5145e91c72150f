/** CreateSession and AuthenticateSession, symmetric and asymmetric (2.4 and 2.7 of the sheet). */
import { InvariantError } from '@privval/proto/runtime/coded-error';
import { answerAsymmetricCreateSession } from 'yubihsm/channel/asymmetric-device-handshake';
import { SymmetricDeviceHandshake } from 'yubihsm/channel/symmetric-device-handshake';
import { generateEcKey } from '../crypto/ec-key.ts';
import { ByteReader } from './byte-reader.ts';
import { DeviceFault, FAULT } from './device-fault.ts';
import type { DeviceState } from './device-state.ts';
import { frameOf, reply } from './frame.ts';
import { OBJECT_TYPE } from './object-type.ts';
import type { Sessions } from './sessions.ts';

/** Outer command that ends a symmetric handshake. */
export const AUTHENTICATE_SESSION = 0x04;

const CHALLENGE_BYTES = 8;
const POINT_BYTES = 65;

/** What the two commands work on, and whom they tell which authentication key it is about. */
export interface OpeningContext {
  readonly state: DeviceState;
  readonly sessions: Sessions;
  concerns(authKeyId: number): void;
}

/**
 * Takes a session and answers with the device's half of the handshake. The length of the data says
 * which of the two kinds is meant; the key has to be of that kind.
 *
 * @throws {DeviceFault} 0b for an unknown key, 05 when all sessions are taken, 08, 02.
 */
export function createSession(context: OpeningContext, data: Uint8Array): Uint8Array {
  const { state, sessions } = context;
  const reader = new ByteReader(data);
  const authKeyId = reader.u16();
  context.concerns(authKeyId);
  const key = state.store.get(OBJECT_TYPE.authenticationKey, authKeyId);
  if (key === undefined) throw new DeviceFault(FAULT.objectNotFound);
  const principal = {
    authKeyId,
    domains: key.domains,
    capabilities: key.capabilities,
    delegated: key.delegated,
  };
  const { material } = key;
  if (material.kind === 'auth-symmetric') {
    const hostChallenge = reader.take(CHALLENGE_BYTES);
    reader.end();
    const sessionId = sessions.freeId();
    const handshake = new SymmetricDeviceHandshake({
      keys: material,
      sessionId,
      hostChallenge,
      cardChallenge: state.random(CHALLENGE_BYTES),
    });
    sessions.open(sessionId, principal, { state: 'half-open', handshake });
    return handshake.reply;
  }
  if (material.kind !== 'auth-asymmetric') throw new InvariantError('not an authentication key');
  const hostEphemeralKey = reader.take(POINT_BYTES);
  reader.end();
  const sessionId = sessions.freeId();
  const { staticKey } = state.identity;
  const answer = answerAsymmetricCreateSession({
    sessionId,
    authPublicKey: material.publicKey,
    devicePrivateKey: staticKey.scalar,
    ephemeralPrivateKey: generateEcKey(staticKey.curve, state.random).scalar,
    hostEphemeralKey,
  });
  if (answer === undefined) throw new DeviceFault(FAULT.invalidData);
  sessions.open(sessionId, principal, { state: 'open', channel: answer.channel });
  return answer.reply;
}

/**
 * Opens the half-open session, or ends it when the host does not know the key.
 *
 * @throws {DeviceFault} 03 when there is no such session, 04, 08.
 */
export function authenticateSession(context: OpeningContext, data: Uint8Array): Uint8Array {
  const { sessions } = context;
  const reader = new ByteReader(data);
  const sessionId = reader.u8();
  reader.take(2 * CHALLENGE_BYTES);
  reader.end();
  const { principal, session } = sessions.get(sessionId);
  if (session.state !== 'half-open') throw new DeviceFault(FAULT.invalidSession);
  context.concerns(principal.authKeyId);
  const frame = frameOf({ command: AUTHENTICATE_SESSION, data });
  const channel = session.handshake.authenticate(frame);
  if (channel === undefined) {
    sessions.close(sessionId);
    throw new DeviceFault(FAULT.authenticationFailed);
  }
  sessions.authenticated(sessionId, channel);
  return frameOf(reply(AUTHENTICATE_SESSION, new Uint8Array()));
}
