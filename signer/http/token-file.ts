/** A bearer token in a file of mode 0600. */
import { readPassphraseFile } from '@privval/hsm/file/secret-file';

/**
 * The token in a file, for a header: one trailing newline is no part of it.
 *
 * @throws what {@link readPassphraseFile} throws.
 */
export function readTokenFile(path: string): string {
  using secret = readPassphraseFile(path);
  return secret.use((bytes) => new TextDecoder().decode(bytes));
}
