/** A client before a scripted device, on a clock that a test moves. */
import { authenticationKeysFromPassword } from 'yubihsm/channel/password';
import type { AuthenticationKeys } from 'yubihsm/channel/session-keys';
import { YubiHsmClient, type YubiHsmClientOptions } from 'yubihsm/yubihsm-client';
import { ManualClock } from '../../harness/manual-clock.ts';
import { ScriptedDevice } from './scripted-device.ts';

/** The keys of the password `password`, derived once. */
export const DEFAULT_KEYS: AuthenticationKeys = authenticationKeysFromPassword(
  new TextEncoder().encode('password'),
);

/** Everything a test of the client needs. */
export interface ClientRig {
  readonly device: ScriptedDevice;
  readonly clock: ManualClock;
  /** What the observer was told: `opened 0`, `lost 0 ERR_…`. */
  readonly events: string[];
  /** Opens a client; it is closed with the stack. */
  open(options?: Partial<YubiHsmClientOptions>): Promise<YubiHsmClient>;
}

/** A device with authentication key 1, and no client yet. */
export function clientRig(cleanup: AsyncDisposableStack): ClientRig {
  const device = new ScriptedDevice();
  device.keys.set(1, DEFAULT_KEYS);
  const clock = new ManualClock();
  const events: string[] = [];
  let drawn = 0;
  const open = async (options: Partial<YubiHsmClientOptions> = {}): Promise<YubiHsmClient> => {
    const client = await YubiHsmClient.open(
      {
        connector: device,
        clock,
        random: (count) => new Uint8Array(count).map(() => (drawn++ * 37) & 0xff),
        observer: {
          opened: (id) => events.push(`opened ${id}`),
          lost: (id, error) => events.push(`lost ${id} ${(error as { code?: string }).code}`),
        },
      },
      { authKeyId: 1, credentials: { kind: 'keys', ...DEFAULT_KEYS }, ...options },
    );
    cleanup.defer(async () => {
      // A test that leaves the device silent does not wait for it.
      device.script = (frame) => frame.answer();
      await client[Symbol.asyncDispose]();
    });
    return client;
  };
  return { device, clock, events, open };
}
