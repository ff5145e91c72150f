/** Sessions with a YubiHSM 2 for what an operator does: opened for one thing, closed after it. */
import { GuardedBytes } from '@privval/proto/crypto/guarded-memory';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { utf8Bytes } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import { authenticationKeysFromPassword } from 'yubihsm/channel/password';
import { WrongCredentialsError } from 'yubihsm/channel/wrong-credentials-error';
import type { Connector } from 'yubihsm/connector/connector';
import { HttpConnector } from 'yubihsm/connector/http-connector';
import { AuthKeyNotFoundError } from 'yubihsm/session-errors';
import { YubiHsmClient } from 'yubihsm/yubihsm-client';
import { readPassphraseFile } from '../file/secret-file.ts';

/** To reach the connector, in milliseconds. */
const CONNECT_TIMEOUT_MS = 2_000;

/** For one command. Nothing waits for it but a person, and some devices are slow. */
const COMMAND_TIMEOUT_MS = 15_000;

/** Collaborators of everything that is done to a device by hand. */
export interface DeviceSessionDeps {
  readonly clock: Clock;
  /** How a connector is reached. @default over HTTP */
  readonly connect?: ((url: string) => Promise<Connector>) | undefined;
}

/** Whose session: an authentication key, and the file with its password. */
export interface DeviceAccess {
  /** `http://127.0.0.1:12345`. */
  readonly connector: string;
  readonly authKeyId: number;
  /** Mode 0600; one trailing newline is dropped (S18). */
  readonly passwordFile: string;
}

/** A connector at this address. The caller disposes it. */
export async function connectDevice(deps: DeviceSessionDeps, url: string): Promise<Connector> {
  if (deps.connect !== undefined) return deps.connect(url);
  return HttpConnector.open(
    { clock: deps.clock },
    { url, connectTimeoutMs: CONNECT_TIMEOUT_MS, requestTimeoutMs: COMMAND_TIMEOUT_MS },
  );
}

/**
 * A session on a connector, which stays the caller's.
 *
 * @throws {WrongCredentialsError} ERR_YUBIHSM_WRONG_CREDENTIALS
 * @throws {AuthKeyNotFoundError} ERR_YUBIHSM_AUTH_KEY_NOT_FOUND
 */
export async function openSession(
  deps: DeviceSessionDeps & { readonly connector: Connector },
  credentials: { readonly authKeyId: number; readonly password: GuardedBytes },
  options: AbortOptions = {},
): Promise<YubiHsmClient> {
  const { clock, connector } = deps;
  const { authKeyId, password } = credentials;
  const keys = password.use(authenticationKeysFromPassword);
  try {
    return await YubiHsmClient.open(
      { connector, clock },
      {
        authKeyId,
        credentials: { kind: 'keys', ...keys },
        commandTimeoutMs: COMMAND_TIMEOUT_MS,
        queueTimeoutMs: COMMAND_TIMEOUT_MS,
        signal: options.signal,
      },
    );
  } finally {
    keys.encKey.fill(0);
    keys.macKey.fill(0);
  }
}

/** An open connector, and until when it is used. */
export interface DevicePlace extends DeviceSessionDeps, AbortOptions {
  readonly connector: Connector;
}

/** A session, or nothing when there is no such key or its password is another. Disposes the password. */
export async function tryOpenSession(
  place: DevicePlace,
  authKeyId: number,
  password: GuardedBytes,
): Promise<YubiHsmClient | undefined> {
  using owned = password;
  try {
    return await openSession(place, { authKeyId, password: owned }, { signal: place.signal });
  } catch (error) {
    if (error instanceof WrongCredentialsError || error instanceof AuthKeyNotFoundError) {
      return undefined;
    }
    throw error;
  }
}

/** The password of authentication key 1 in the factory state, which everybody knows. The caller disposes it. */
export function factoryPassword(): GuardedBytes {
  return GuardedBytes.take(utf8Bytes('password'));
}

/**
 * Does one thing in one session.
 *
 * @throws what the connector, the device and `use` throw.
 */
export async function withDevice<T>(
  deps: DeviceSessionDeps,
  access: DeviceAccess & AbortOptions,
  use: (client: YubiHsmClient) => Promise<T>,
): Promise<T> {
  await using connector = await connectDevice(deps, access.connector);
  using password = readPassphraseFile(access.passwordFile);
  const { authKeyId, signal } = access;
  await using client = await openSession(
    { ...deps, connector },
    { authKeyId, password },
    { signal },
  );
  return await use(client);
}
