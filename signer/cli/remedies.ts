/** What to do about an error, where its own text does not say. docs/errors.md has all of them. */

const REMEDIES: Readonly<Record<string, string>> = {
  ERR_HOME_LOCKED:
    'This command needs the home for itself: stop signer serve, or wait until the other command is done.',
  ERR_WRONG_PASSPHRASE: 'Check --passphrase-file (in signer.toml: passphrase_file).',
  ERR_PASSPHRASE_REQUIRED: 'Add --passphrase-file FILE (in signer.toml: passphrase_file).',
  ERR_STATE_FILE_FOREIGN:
    'Take the state file that belongs to this key on this chain, or give --floor-height N instead.',
  ERR_CONFIG_BINDING:
    'Key, chain and floor are bound in floor.db: put back what signer.toml said before.',
  ERR_UNKNOWN_VALIDATOR: 'signer validators list shows the names.',
  ERR_KEY_FILE_EXISTS: 'Move it aside if it is not needed, or choose another name.',
  ERR_ADMIN_UNREACHABLE: 'Is signer serve running on this home?',
  ERR_NO_HOME: 'Name the home with --home DIR or PRIVVAL_HOME.',
  EACCES: 'This user may not use that file or folder.',
};

/** @returns one line, or `undefined` when the error says it all. */
export function remedyOf(code: string): string | undefined {
  return REMEDIES[code];
}
