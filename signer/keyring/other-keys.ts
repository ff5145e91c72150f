/** The keys of a validator beside the one it went into service with: staged, retiring, and the one a rotation switches to. */
import type { KeyProvider, ProvidedKey } from '@privval/hsm/key-provider';
import { ed25519PublicKey } from '@privval/proto/crypto/public-key';
import { hexFromBytes } from '@privval/proto/runtime/bytes';
import type { Clock } from '@privval/proto/runtime/clock';
import { type Logger, withFields } from '@privval/proto/runtime/logger';
import { assertPlace, type KeyPlace } from './key-place.ts';
import type { Keyring } from './keyring.ts';
import { graceMs, type ProviderOptions } from './provider-options.ts';

/** Collaborators of {@link OtherKeys}. */
export interface OtherKeysDeps {
  readonly clock: Clock;
  /** With the validator's name. */
  readonly logger: Logger;
  readonly openProvider: (options: ProviderOptions) => Promise<KeyProvider>;
  /** Where an open key goes, and is taken from before it is closed. */
  readonly keyring: Keyring;
  /** Owns the keys that are not closed here, and is disposed after the gate. */
  readonly keys: AsyncDisposableStack;
}

/**
 * Opens keys and keeps them open. Each is on the ring at once and looked after by a `ProvidedKey`,
 * which opens its device again and again: none of them keeps the validator from its service.
 */
export class OtherKeys {
  readonly #deps: OtherKeysDeps;
  readonly #open = new Map<string, Promise<ProvidedKey>>();
  readonly #opened = new Map<string, ProvidedKey>();

  constructor(deps: OtherKeysDeps) {
    this.#deps = deps;
  }

  /** The key, being opened or open; the same one however often it is asked for. */
  open(place: KeyPlace): Promise<ProvidedKey> {
    const name = hexFromBytes(place.publicKey);
    const known = this.#open.get(name);
    if (known !== undefined) return known;
    const opening = this.#opening(place);
    this.#open.set(name, opening);
    opening.catch(() => this.#open.delete(name));
    return opening;
  }

  /** `undefined` for a key that is not one of these. */
  get(publicKey: Uint8Array): ProvidedKey | undefined {
    return this.#opened.get(hexFromBytes(publicKey));
  }

  /** Takes a key off the ring and closes it, before it is destroyed. */
  async close(publicKey: Uint8Array): Promise<void> {
    const name = hexFromBytes(publicKey);
    const key = this.#opened.get(name);
    this.#open.delete(name);
    this.#opened.delete(name);
    if (key === undefined) return;
    this.#deps.keyring.remove(key);
    await key[Symbol.asyncDispose]();
  }

  async #opening(place: KeyPlace): Promise<ProvidedKey> {
    assertPlace(place);
    const { publicKey, providers } = place;
    const { clock, logger, openProvider, keyring, keys } = this.#deps;
    const { openProvidedKey } = await import('@privval/hsm/open-provided-key');
    await using opened = new AsyncDisposableStack();
    const all: KeyProvider[] = [];
    for (const options of providers) all.push(opened.use(await openProvider(options)));
    const named = withFields(logger, { key: hexFromBytes(publicKey).slice(0, 8) });
    const key = openProvidedKey(
      { clock, logger: named },
      { providers: all, expected: ed25519PublicKey(publicKey), graceMs: graceMs(providers) },
    );
    // The key owns its providers.
    opened.move();
    const name = hexFromBytes(publicKey);
    this.#opened.set(name, key);
    keys.defer(async () => {
      if (this.#opened.get(name) === key) await key[Symbol.asyncDispose]();
    });
    keyring.add(key);
    return key;
  }
}
