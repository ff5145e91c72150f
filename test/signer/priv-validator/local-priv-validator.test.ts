import type { SigningKey } from '@privval/hsm/signing-key';
import { silentLogger } from '@privval/proto/runtime/logger';
import { parseChainId } from '@privval/proto/types/chain-id';
import { Gate } from '@privval/signer/guard/gate';
import { SqliteSignStateStore } from '@privval/signer/guard/sqlite-sign-state-store';
import { Keyring } from '@privval/signer/keyring/keyring';
import { LocalPrivValidator } from '@privval/signer/priv-validator/local-priv-validator';
import {
  describePrivValidator,
  type PrivValidatorUnderTest,
} from '../../conformance/priv-validator.ts';
import { ManualClock } from '../../harness/manual-clock.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';

const CHAIN = parseChainId('local-chain');

async function localPrivValidator(key: SigningKey): Promise<PrivValidatorUnderTest> {
  const resources = new AsyncDisposableStack();
  const folder = resources.use(new ScratchFolder());
  const deps = { logger: silentLogger, clock: new ManualClock() };
  const store = resources.use(SqliteSignStateStore.create(deps, { directory: folder.path }));
  const publicKey = key.publicKey;
  store.addValidator(
    { name: 'validator', chainId: CHAIN, publicKey: publicKey.bytes },
    { height: 0n, round: 0, step: 'none' },
  );
  const gate = resources.use(new Gate({ store, ...deps }));
  const privValidator = new LocalPrivValidator(
    { gate, keyring: new Keyring(key), ...deps },
    { validator: 'validator', chainId: CHAIN },
  );
  return {
    privValidator,
    publicKey,
    chainId: CHAIN,
    dispose: () => resources.disposeAsync(),
  };
}

describePrivValidator('the local one, over gate and database,', localPrivValidator);
