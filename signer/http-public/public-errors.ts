/** Why health, metrics and the page are not served. Signing goes on without them. */
import { CodedError } from '@privval/proto/runtime/coded-error';

/** The listener would be reachable from other machines, and nobody said that this is meant. */
export class PublicAddressError extends CodedError {
  override readonly name = 'PublicAddressError';
  readonly code = 'ERR_HTTP_PUBLIC_ADDRESS';
  readonly host: string;

  constructor(host: string) {
    super(
      `health, metrics and the status page have no authentication, and ${host} can be reached from other machines: listen on 127.0.0.1, or say --http-public (http.public = true)`,
    );
    this.host = host;
  }
}

/** The address cannot be listened on. */
export class PublicListenError extends CodedError {
  override readonly name = 'PublicListenError';
  readonly code = 'ERR_HTTP_LISTEN';

  constructor(address: string, options: ErrorOptions) {
    const { cause } = options;
    const reason = cause instanceof Error ? `: ${cause.message}` : '';
    super(
      `cannot listen on ${address} for health, metrics and the status page${reason}; choose another address with --http`,
      options,
    );
  }
}
