/** Where each of a validator's keys is: what `signer.toml` says beside what the database binds (S35). */
import { base64FromBytes, equalBytes } from '@privval/proto/runtime/bytes';
import { CodedError } from '@privval/proto/runtime/coded-error';
import type { ProviderOptions } from './provider-options.ts';

/** One key and its place, with a standby, if there is one. */
export interface KeyPlace {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** As for the first key. Empty: no place is known. */
  readonly providers: readonly ProviderOptions[];
}

/** The places of the keys that are asked for, in their order; one that has none gets an empty one. */
export function placesOf(
  publicKeys: readonly Uint8Array[],
  places: readonly KeyPlace[],
): readonly KeyPlace[] {
  return publicKeys.map(
    (publicKey) =>
      places.find((place) => equalBytes(place.publicKey, publicKey)) ?? {
        publicKey,
        providers: [],
      },
  );
}

/** Places of keys that nobody knows: of a `generate` that did not come to its end. */
export function unknownPlaces(
  places: readonly KeyPlace[],
  known: readonly Uint8Array[],
): readonly KeyPlace[] {
  return places.filter(({ publicKey }) => !known.some((key) => equalBytes(key, publicKey)));
}

/** `floor.db` has a key of this validator that `signer.toml` says nothing of. */
export class KeyPlaceMissingError extends CodedError {
  override readonly name = 'KeyPlaceMissingError';
  readonly code = 'ERR_KEY_PLACE_MISSING';

  constructor({ publicKey }: KeyPlace) {
    super(
      `signer.toml does not say where the key ${base64FromBytes(publicKey)} is: put its [[validator.rotated_key]] back`,
    );
  }
}

/** @throws {KeyPlaceMissingError} ERR_KEY_PLACE_MISSING */
export function assertPlace(place: KeyPlace): void {
  if (place.providers.length === 0) throw new KeyPlaceMissingError(place);
}
