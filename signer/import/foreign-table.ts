/**
 * Configurations of other signers, TOML or YAML: texts and tables by name, and a fault that says
 * where. Keys that mean nothing here are skipped; the program they belong to knows them.
 */
import { readFileSync, statSync } from 'node:fs';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { ImportConfigError } from './import-errors.ts';

/** A configuration has a few kilobytes. */
const MAX_CONFIG_BYTES = 1_048_576;

/** One table of a configuration. */
export class ForeignTable {
  readonly path: string;
  /** `chain[0]`; empty for the whole file. */
  readonly #place: string;
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(path: string, place: string, value: unknown) {
    this.path = path;
    this.#place = place;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.fault(place === '' ? 'it is not a table of keys' : `${place} is not a table`);
    }
    this.#values = value as Readonly<Record<string, unknown>>;
  }

  /** A text that has to be there. */
  text(key: string): string {
    const value = this.optionalText(key);
    if (value === undefined) throw this.fault(`${this.#at(key)} is missing`);
    return value;
  }

  /** A text; numbers are given as they are written. Empty is absent, as these programs take it. */
  optionalText(key: string): string | undefined {
    const value = this.#values[key];
    if (value === undefined || value === null || value === '') return undefined;
    if (typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'bigint') return String(value);
    throw this.fault(`${this.#at(key)} is not a text`);
  }

  /** A whole number from `min` on. */
  wholeNumber(key: string, min: number): number {
    const text = this.text(key);
    const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min) return value;
    throw this.fault(`${this.#at(key)} is not a whole number from ${min} on`);
  }

  /** A list of texts; none when it is absent. */
  texts(key: string): readonly string[] {
    return this.#list(key).map((item) => {
      if (typeof item === 'string') return item;
      throw this.fault(`${this.#at(key)} is not a list of texts`);
    });
  }

  /** A list of tables; none when it is absent. */
  tables(key: string): readonly ForeignTable[] {
    return this.#list(key).map(
      (item, index) => new ForeignTable(this.path, `${this.#at(key)}[${index}]`, item),
    );
  }

  /** A table; `undefined` when it is absent. */
  table(key: string): ForeignTable | undefined {
    const value = this.#values[key];
    if (value === undefined || value === null) return undefined;
    return new ForeignTable(this.path, this.#at(key), value);
  }

  has(key: string): boolean {
    return this.#values[key] !== undefined;
  }

  /** An error that names the file. */
  fault(reason: string): ImportConfigError {
    return new ImportConfigError({ path: this.path, reason });
  }

  #list(key: string): readonly unknown[] {
    const value = this.#values[key];
    if (value === undefined || value === null || value === '') return [];
    if (Array.isArray(value)) return value;
    throw this.fault(`${this.#at(key)} is not a list`);
  }

  #at(key: string): string {
    return this.#place === '' ? key : `${this.#place}.${key}`;
  }
}

/** @throws {ImportConfigError} ERR_IMPORT_CONFIG; the parser's own words might quote a secret, and are left out. */
export async function readTomlTable(path: string): Promise<ForeignTable> {
  const { parse, TomlError } = await import('smol-toml');
  const text = readText(path);
  try {
    return new ForeignTable(path, '', parse(text, { integersAsBigInt: 'asNeeded' }));
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = `it is not TOML at line ${error.line}, column ${error.column}`;
    // biome-ignore lint/style/useErrorCause: the parser's own message quotes the text
    throw new ImportConfigError({ path, reason });
  }
}

/**
 * As {@link readTomlTable}. Every value is read as the text that is written there: `id: 007` names
 * chain 007.
 */
export async function readYamlTable(path: string): Promise<ForeignTable> {
  const { parseDocument } = await import('yaml');
  const document = parseDocument(readText(path), {
    schema: 'failsafe',
    prettyErrors: false,
    logLevel: 'silent',
    // As its owner's parser does: of two keys with one name the configuration is not usable.
    uniqueKeys: true,
  });
  const [fault] = document.errors;
  if (fault !== undefined) {
    throw new ImportConfigError({ path, reason: `it is not YAML at byte ${fault.pos[0]}` });
  }
  const value = resolved(path, () => document.toJS({ maxAliasCount: 100 }));
  return new ForeignTable(path, '', value);
}

function resolved(path: string, read: () => unknown): unknown {
  try {
    return read();
  } catch (cause) {
    throw new ImportConfigError({ path, reason: 'its aliases cannot be resolved' }, { cause });
  }
}

function readText(path: string): string {
  try {
    if (statSync(path).size > MAX_CONFIG_BYTES) {
      throw new ImportConfigError({ path, reason: 'it is too large for a configuration' });
    }
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof ImportConfigError) throw cause;
    const code = errorCode(cause);
    const reason = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`;
    throw new ImportConfigError({ path, reason }, { cause });
  }
}
