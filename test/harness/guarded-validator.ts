/** One validator as the signer has it, guard and database included, over a device the test holds in its hand. */
import type { Clock } from '@privval/proto/runtime/clock';
import { type Logger, silentLogger } from '@privval/proto/runtime/logger';
import { type ChainId, parseChainId } from '@privval/proto/types/chain-id';
import { Gate } from '@privval/signer/guard/gate';
import { SqliteSignStateStore } from '@privval/signer/guard/sqlite-sign-state-store';
import { Keyring } from '@privval/signer/keyring/keyring';
import { LocalPrivValidator } from '@privval/signer/priv-validator/local-priv-validator';
import { FakeKey, type FakeKeyOptions } from './fake-key.ts';
import { ScratchFolder } from './scratch-folder.ts';

/** Dispose it after whatever asks it. */
export class GuardedValidator implements AsyncDisposable {
  readonly chainId: ChainId = parseChainId('guarded-chain');
  readonly name = 'guarded';
  readonly key: FakeKey;
  readonly store: SqliteSignStateStore;
  readonly privValidator: LocalPrivValidator;
  readonly #resources: AsyncDisposableStack;

  constructor(
    deps: { readonly clock: Clock; readonly logger?: Logger },
    options: FakeKeyOptions = {},
  ) {
    const { clock, logger = silentLogger } = deps;
    const resources = new AsyncDisposableStack();
    const folder = resources.use(new ScratchFolder());
    this.key = resources.use(new FakeKey({ clock }, options));
    this.store = resources.use(
      SqliteSignStateStore.create({ clock, logger }, { directory: folder.path }),
    );
    const { name, chainId } = this;
    this.store.addValidator(
      { name, chainId, publicKey: this.key.publicKey.bytes },
      { height: 0n, round: 0, step: 'none' },
    );
    const gate = resources.use(new Gate({ store: this.store, clock, logger }));
    const keyring = new Keyring(this.key);
    this.privValidator = new LocalPrivValidator(
      { gate, keyring, logger, clock },
      { validator: name, chainId },
    );
    this.#resources = resources;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
