/** Keys in YubiHSMs. */
import type { KeyProvider } from '@privval/hsm/key-provider';
import { InvariantError } from '@privval/proto/runtime/coded-error';
import type { DeviceDeps, MadeKey } from './devices.ts';

export class YubiHsms {
  constructor(_deps: DeviceDeps) {}
  openProvider(_options: unknown): KeyProvider {
    throw new InvariantError('todo');
  }
  async generateKey(_a: unknown, _b: unknown): Promise<MadeKey> {
    throw new InvariantError('todo');
  }
  async [Symbol.asyncDispose](): Promise<void> {}
}
