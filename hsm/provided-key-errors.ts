/** Why a key that is served from providers does not sign. */
import type { PublicKey } from '@privval/proto/crypto/public-key';
import { hexFromBytes } from '@privval/proto/runtime/bytes';
import { CodedError, errorCode } from '@privval/proto/runtime/coded-error';
import { type ProviderFault, type Remedy, remedyOf } from './key-provider.ts';

/** No provider of this key is in service now. */
export class KeyOutOfServiceError extends CodedError {
  override readonly name = 'KeyOutOfServiceError';
  readonly code = 'ERR_KEY_OUT_OF_SERVICE';
  /** What ends it soonest. */
  readonly remedy: Remedy;

  constructor(
    providers: readonly { readonly name: string; readonly fault: ProviderFault | undefined }[],
    options?: ErrorOptions,
  ) {
    const texts = providers.map(({ name, fault }) =>
      fault === undefined
        ? `${name}: it is being opened`
        : `${name}: ${fault.text} [${fault.code}]`,
    );
    super(`this key is out of service: ${texts.join('; ')}`, options);
    const remedies = providers.map(({ fault }) => fault?.remedy ?? 'wait');
    const isOneOf = (remedy: Remedy): boolean => remedies.includes(remedy);
    this.remedy = isOneOf('wait') ? 'wait' : isOneOf('repair') ? 'repair' : 'restart';
  }
}

/** A provider holds another key than the one the floor belongs to. It is never asked to sign. */
export class AnotherKeyError extends CodedError {
  override readonly name = 'AnotherKeyError';
  readonly code = 'ERR_ANOTHER_KEY';
  readonly remedy = 'repair';
  readonly provider: string;

  constructor(provider: string, expected: PublicKey, actual: PublicKey) {
    super(
      `${provider} holds public key ${hexFromBytes(actual.bytes)}, but the floor belongs to ${hexFromBytes(expected.bytes)}: put the right key or device back`,
    );
    this.provider = provider;
  }
}

/** A provider made a signature that does not verify. It was destroyed (S20, S29). */
export class WrongSignatureError extends CodedError {
  override readonly name = 'WrongSignatureError';
  readonly code = 'ERR_SIGNATURE_INVALID';
  readonly provider: string;
  /** `restart` for the second one in a row: then the operator has to look. */
  readonly remedy: Remedy;

  constructor(provider: string, remedy: 'wait' | 'restart') {
    super(
      remedy === 'wait'
        ? `${provider} made a signature that does not verify; it was not released, and the provider is on probation`
        : `${provider} made a second signature that does not verify; it was not released: check the device and what lies between, then restart the signer`,
    );
    this.provider = provider;
    this.remedy = remedy;
  }
}

/** An error as status and logs show it. */
export function providerFault(error: unknown): ProviderFault {
  const text = error instanceof Error ? error.message : String(error);
  return { code: errorCode(error), text, remedy: remedyOf(error) };
}
