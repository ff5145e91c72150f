/** The second step of `floor.db`'s schema: what is kept beside the floors. */

/** A column that is added needs a constant: 32 zero bytes. */
const NO_HASH = '00'.repeat(32);

/**
 * The second step of `floor.db`'s schema: the audit log, keys by height, rotations and everything
 * else an operator changes. To be appended to `MIGRATIONS`, once, before anybody uses a table.
 *
 * `floors` gets what a floor row holds of the audit log; both are part of its checksum from this
 * step on (`privval floor row 2`), so the step that rewrites every row at opening has to come after
 * the migration, as it does. `home` holds the same for transactions that move no floor: the newest
 * of all is the tail.
 */
export const OPERATIONS_SCHEMA: string = `
  ALTER TABLE floors ADD COLUMN audit_seq INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE floors ADD COLUMN audit_hash BLOB NOT NULL DEFAULT x'${NO_HASH}' CHECK (length(audit_hash) = 32);
  ALTER TABLE home ADD COLUMN audit_seq INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE home ADD COLUMN audit_hash BLOB NOT NULL DEFAULT x'${NO_HASH}' CHECK (length(audit_hash) = 32);
  ALTER TABLE home ADD COLUMN newest_time_ms INTEGER NOT NULL DEFAULT 0;

  CREATE TABLE audit (
    seq INTEGER PRIMARY KEY CHECK (seq > 0),
    time_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    validator TEXT,
    height INTEGER,
    round INTEGER,
    step INTEGER,
    sign_hash BLOB CHECK (sign_hash IS NULL OR length(sign_hash) = 32),
    body TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
  ) STRICT;
  CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;

  CREATE TABLE audit_segments (
    first_seq INTEGER PRIMARY KEY,
    last_seq INTEGER NOT NULL,
    last_hash BLOB NOT NULL CHECK (length(last_hash) = 32),
    file TEXT NOT NULL UNIQUE,
    file_sha256 BLOB NOT NULL CHECK (length(file_sha256) = 32),
    bytes INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('writing', 'closed', 'moved', 'removed'))
  ) STRICT;

  CREATE TABLE validator_keys (
    id INTEGER PRIMARY KEY,
    validator_id INTEGER NOT NULL REFERENCES validators (id),
    chain_id TEXT NOT NULL,
    public_key BLOB NOT NULL CHECK (length(public_key) = 32),
    from_height INTEGER,
    state TEXT NOT NULL CHECK (state IN ('current', 'staged', 'retiring', 'aborted', 'destroyed')),
    made_at_ms INTEGER NOT NULL,
    UNIQUE (chain_id, public_key)
  ) STRICT;
  INSERT INTO validator_keys (validator_id, chain_id, public_key, from_height, state, made_at_ms)
    SELECT id, chain_id, public_key, 0, 'current', 0 FROM validators;

  CREATE TABLE rotations (
    id INTEGER PRIMARY KEY,
    validator_id INTEGER NOT NULL REFERENCES validators (id),
    state TEXT NOT NULL,
    is_open INTEGER NOT NULL CHECK (is_open IN (0, 1)),
    old_key BLOB NOT NULL CHECK (length(old_key) = 32),
    new_key BLOB NOT NULL CHECK (length(new_key) = 32),
    activation_height INTEGER,
    facts TEXT NOT NULL,
    checksum BLOB NOT NULL CHECK (length(checksum) = 32)
  ) STRICT;
  CREATE UNIQUE INDEX one_open_rotation ON rotations (validator_id) WHERE is_open = 1;

  CREATE TABLE node_progress (
    validator_id INTEGER NOT NULL REFERENCES validators (id),
    node TEXT NOT NULL,
    committed INTEGER NOT NULL,
    PRIMARY KEY (validator_id, node)
  ) STRICT;

  CREATE TABLE chain_progress (
    validator_id INTEGER NOT NULL REFERENCES validators (id),
    source TEXT NOT NULL,
    results_read INTEGER NOT NULL,
    commits_checked INTEGER NOT NULL,
    tip INTEGER NOT NULL,
    PRIMARY KEY (validator_id, source)
  ) STRICT;

  CREATE TABLE controls (
    validator_id INTEGER PRIMARY KEY REFERENCES validators (id),
    freeze TEXT,
    height_ceiling INTEGER,
    adopted_floor INTEGER NOT NULL DEFAULT 0
  ) STRICT;

  CREATE TABLE approvals (
    id TEXT PRIMARY KEY,
    act_hash BLOB NOT NULL CHECK (length(act_hash) = 32),
    act TEXT NOT NULL,
    validator TEXT,
    body TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    approved_by TEXT,
    expires_at_ms INTEGER NOT NULL,
    used_at_ms INTEGER
  ) STRICT;
`;
