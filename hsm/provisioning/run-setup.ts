/** Carries a setup plan out. Every step is looked for before it is done, so that a plan can be taken up again. */
import { utf8Bytes } from '@privval/proto/runtime/bytes';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import { authenticationKeysFromPassword } from 'yubihsm/channel/password';
import { putAuthenticationKey } from 'yubihsm/commands/authentication-key-commands';
import type { Command } from 'yubihsm/commands/command';
import { deleteObject, listObjects } from 'yubihsm/commands/object-commands';
import { putOpaque } from 'yubihsm/commands/opaque-commands';
import { putWrapKey } from 'yubihsm/commands/wrap-commands';
import type { ObjectType } from 'yubihsm/objects/object-type';
import type { YubiHsmClient } from 'yubihsm/yubihsm-client';
import type { DeviceSecrets } from './device-secrets.ts';
import { type DevicePlace, factoryPassword, tryOpenSession } from './device-session.ts';
import {
  FACTORY_KEY_ID,
  REPORT_ID,
  ROLE_NAMES,
  ROLES,
  type RoleName,
  TEMPORARY_KEY_ID,
  WRAP_KEY,
} from './roles.ts';
import { SetupConflictError, SetupInterruptedError } from './setup-errors.ts';
import { describeStep, type SetupStep } from './setup-plan.ts';

/** What is carried out, and with what. */
export interface SetupRunOptions {
  readonly serial: string;
  /** The caller's to dispose. */
  readonly secrets: DeviceSecrets;
  readonly plan: readonly SetupStep[];
  /** Told of each step that was done. */
  readonly onProgress: (text: string) => void;
}

/**
 * Does what of the plan is not done yet, and verifies the result: every role opens with its
 * password, and neither the factory's nor the temporary key does.
 *
 * @throws {SetupInterruptedError} ERR_SETUP_INTERRUPTED
 * @throws {SetupConflictError} ERR_SETUP_CONFLICT
 */
export async function runSetup(place: DevicePlace, options: SetupRunOptions): Promise<void> {
  const { serial, plan, onProgress } = options;
  let at: SetupStep | 'verify' | undefined = plan[0];
  try {
    await using run = new SetupRun(place, options.secrets);
    // The temporary key is the last to go: without it, and with the admin's, nothing is left to do.
    const isOver = !(await run.opens('temporary')) && (await run.opens('admin'));
    for (const step of isOver ? [] : plan) {
      at = step;
      if (await run.isDone(step)) continue;
      await run.execute(step);
      onProgress(describeStep(step));
    }
    at = 'verify';
    await run.verify();
    onProgress('every role opens with its password');
  } catch (cause) {
    if (cause instanceof SetupConflictError || cause instanceof InvariantError) throw cause;
    throw new SetupInterruptedError({ serial, step: at ?? 'verify' }, { cause });
  }
}

/** Sessions are opened as they are needed, and closed with the run. */
class SetupRun implements AsyncDisposable {
  readonly #place: DevicePlace;
  readonly #secrets: DeviceSecrets;
  readonly #sessions = new Map<RoleName | 'temporary' | 'factory', YubiHsmClient>();

  constructor(place: DevicePlace, secrets: DeviceSecrets) {
    this.#place = place;
    this.#secrets = secrets;
  }

  /** Whether a key is there and has the password it should have. */
  async opens(name: RoleName | 'temporary' | 'factory'): Promise<boolean> {
    await using session = await this.#tryOpen(name);
    return session !== undefined;
  }

  async isDone(step: SetupStep): Promise<boolean> {
    switch (step.kind) {
      case 'put-temporary-key':
        return this.opens('temporary');
      case 'delete-factory-key':
        return !(await this.opens('factory'));
      case 'put-role':
        return this.#hasRole(step.role);
      case 'put-wrap-key':
        return this.#has('wrap-key', step.params.id);
      case 'put-report':
        return this.#has('opaque', step.params.id);
      case 'delete-temporary-key':
        return !(await this.opens('temporary'));
    }
  }

  async execute(step: SetupStep): Promise<void> {
    switch (step.kind) {
      case 'put-temporary-key':
        return this.#put('factory', this.#keyCommand('temporary', step));
      case 'delete-factory-key':
        await this.#end('factory');
        return this.#delete('temporary', FACTORY_KEY_ID);
      case 'put-role':
        return this.#put('temporary', this.#keyCommand(step.role, step));
      case 'put-wrap-key': {
        using key = this.#secrets.wrapKey(step.params.id);
        return this.#put(
          'temporary',
          key.use((bytes) => putWrapKey(step.params, step.delegated, bytes)),
        );
      }
      case 'put-report': {
        const report = utf8Bytes(JSON.stringify(step.report));
        return this.#put('temporary', putOpaque(step.params, report));
      }
      case 'delete-temporary-key':
        await this.#end('temporary');
        return this.#delete('admin', TEMPORARY_KEY_ID);
    }
  }

  /** @throws {SetupConflictError} ERR_SETUP_CONFLICT */
  async verify(): Promise<void> {
    for (const role of ROLE_NAMES) {
      if (!(await this.opens(role))) {
        throw new SetupConflictError(`authentication key ${ROLES[role].authKeyId} does not open`);
      }
    }
    for (const name of ['factory', 'temporary'] as const) {
      if (await this.opens(name)) throw new SetupConflictError(`the ${name} key still opens`);
    }
    const admin = await this.#session('admin');
    const objects = await admin.run(listObjects());
    const has = (type: ObjectType, id: number): boolean =>
      objects.some((object) => object.type === type && object.id === id);
    if (!has('wrap-key', WRAP_KEY.id)) throw new SetupConflictError('there is no wrap key');
    if (!has('opaque', REPORT_ID)) throw new SetupConflictError('there is no report');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [...this.#sessions.keys()]) await this.#end(name);
  }

  #keyCommand(
    name: RoleName | 'temporary',
    { params, delegated }: Extract<SetupStep, { readonly kind: 'put-role' | 'put-temporary-key' }>,
  ): Command<number> {
    using password = this.#secrets.password(name);
    const keys = password.use(authenticationKeysFromPassword);
    const command = putAuthenticationKey(params, delegated, { kind: 'symmetric', ...keys });
    keys.encKey.fill(0);
    keys.macKey.fill(0);
    return command;
  }

  /** The command holds a secret, which is wiped when it was sent. */
  async #put(by: 'factory' | 'temporary', command: Command<number>): Promise<void> {
    const session = await this.#session(by);
    try {
      await session.run(command, { signal: this.#place.signal });
    } finally {
      command.data.fill(0);
    }
  }

  async #delete(by: 'temporary' | 'admin', id: number): Promise<void> {
    const session = await this.#session(by);
    await session.run(deleteObject(id, 'authentication-key'), { signal: this.#place.signal });
  }

  async #has(type: ObjectType, id: number): Promise<boolean> {
    const session = await this.#session('temporary');
    return (await session.run(listObjects({ type, id }))).length > 0;
  }

  async #hasRole(role: RoleName): Promise<boolean> {
    const { authKeyId } = ROLES[role];
    if (!(await this.#has('authentication-key', authKeyId))) return false;
    if (await this.opens(role)) return true;
    throw new SetupConflictError(`authentication key ${authKeyId} has another password`);
  }

  async #session(name: 'factory' | 'temporary' | 'admin'): Promise<YubiHsmClient> {
    const open = this.#sessions.get(name);
    if (open !== undefined) return open;
    const session = await this.#tryOpen(name);
    if (session === undefined) throw new SetupConflictError(`the ${name} key does not open`);
    this.#sessions.set(name, session);
    return session;
  }

  async #end(name: RoleName | 'temporary' | 'factory'): Promise<void> {
    const session = this.#sessions.get(name);
    this.#sessions.delete(name);
    await session?.[Symbol.asyncDispose]();
  }

  #tryOpen(name: RoleName | 'temporary' | 'factory'): Promise<YubiHsmClient | undefined> {
    switch (name) {
      case 'factory':
        return tryOpenSession(this.#place, FACTORY_KEY_ID, factoryPassword());
      case 'temporary':
        return tryOpenSession(this.#place, TEMPORARY_KEY_ID, this.#secrets.password(name));
      default:
        return tryOpenSession(this.#place, ROLES[name].authKeyId, this.#secrets.password(name));
    }
  }
}
