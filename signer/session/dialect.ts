/** Which protocol version a node speaks, as far as its requests tell. For people only: no answer depends on it. */
import type { PrivvalRequest } from '@privval/proto/privval/messages';

/**
 * `unknown`: nothing but what every version since v0.34 sends was seen. The versions share one
 * encoding, so only what a version added gives it away.
 */
export type Dialect = 'unknown' | 'v0.35-grpc' | 'v0.38-or-later' | 'v0.40' | 'v1';

/** What is known after `request`, given what was known before. A stronger finding stays. */
export function dialectAfter(known: Dialect, request: PrivvalRequest): Dialect {
  if (known === 'v1' || request.kind === 'sign-bytes') return 'v1';
  if (request.kind !== 'sign-vote') return known;
  if (request.skipExtensionSigning) return 'v1';
  return known === 'unknown' && request.vote.extension.length > 0 ? 'v0.38-or-later' : known;
}
