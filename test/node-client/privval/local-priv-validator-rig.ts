/** The signer's side without its connections. */
import type { SigningKey } from '@privval/hsm/signing-key';
import { systemClock } from '@privval/proto/runtime/clock';
import { silentLogger } from '@privval/proto/runtime/logger';
import { Gate } from '@privval/signer/guard/gate';
import { SqliteSignStateStore } from '@privval/signer/guard/sqlite-sign-state-store';
import { Keyring } from '@privval/signer/keyring/keyring';
import { LocalPrivValidator } from '@privval/signer/priv-validator/local-priv-validator';
import { ScratchFolder } from '../../harness/scratch-folder.ts';
import { CHAIN } from './remote-signer-rig.ts';

/** The signer's own, over a database of its own with nothing signed. The key stays the caller's. */
export function localPrivValidator(
  key: SigningKey,
  resources: AsyncDisposableStack,
): LocalPrivValidator {
  const deps = { clock: systemClock, logger: silentLogger };
  const { path } = resources.use(new ScratchFolder());
  const store = resources.use(SqliteSignStateStore.create(deps, { directory: path }));
  store.addValidator(
    { name: 'validator', chainId: CHAIN, publicKey: key.publicKey.bytes },
    { height: 0n, round: 0, step: 'none' },
  );
  const gate = resources.use(new Gate({ store, ...deps }));
  return new LocalPrivValidator(
    { gate, keyring: new Keyring(key), ...deps },
    { validator: 'validator', chainId: CHAIN },
  );
}
