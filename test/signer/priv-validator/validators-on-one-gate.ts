/** Several validators of one process: one store, one gate, a key each. */
import type { SigningKey } from '@privval/hsm/signing-key';
import { type ChainId, parseChainId } from '@privval/proto/types/chain-id';
import { Gate } from '@privval/signer/guard/gate';
import { SqliteSignStateStore } from '@privval/signer/guard/sqlite-sign-state-store';
import { Keyring } from '@privval/signer/keyring/keyring';
import { LocalPrivValidator } from '@privval/signer/priv-validator/local-priv-validator';
import { ManualClock } from '../../harness/manual-clock.ts';
import { RecordingLogger } from '../../harness/recording-logger.ts';
import { ScratchFolder } from '../../harness/scratch-folder.ts';

export const CHAIN: ChainId = parseChainId('test-chain');

export class ValidatorsOnOneGate implements AsyncDisposable {
  readonly clock: ManualClock = new ManualClock();
  readonly logger: RecordingLogger = new RecordingLogger();
  readonly store: SqliteSignStateStore;
  readonly #gate: Gate;
  readonly #resources = new AsyncDisposableStack();

  constructor() {
    const { clock, logger } = this;
    const { path } = this.#resources.use(new ScratchFolder());
    this.store = this.#resources.use(
      SqliteSignStateStore.create({ clock, logger }, { directory: path }),
    );
    this.#gate = this.#resources.use(new Gate({ store: this.store, clock, logger }));
  }

  /** A validator with nothing signed yet; its key is closed with the rest. */
  add(name: string, key: SigningKey): LocalPrivValidator {
    const { clock, logger } = this;
    const keyring = new Keyring(this.#resources.use(key));
    this.store.addValidator(
      { name, chainId: CHAIN, publicKey: key.publicKey.bytes },
      { height: 0n, round: 0, step: 'none' },
    );
    return new LocalPrivValidator(
      { gate: this.#gate, keyring, clock, logger },
      { validator: name, chainId: CHAIN },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}
