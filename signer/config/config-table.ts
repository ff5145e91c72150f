/** The tables of `signer.toml` by {@link CONFIG_KEYS}: nothing unknown, every value of its kind. */
import { CodedError } from '@privval/proto/runtime/coded-error';
import { ConfigValueError, UnknownConfigKeyError } from './config-errors.ts';
import { CONFIG_KEYS, type ConfigKey } from './config-keys.ts';
import { nearestWord } from './nearest-word.ts';
import { lineOfKey } from './toml-places.ts';

/** A wait beyond this is no wait: the node gives up after 5 s. */
const MAX_MILLISECONDS = 60_000;

/** The file, and what stands above it. */
export interface ConfigSource {
  readonly path: string;
  readonly text: string;
  /** By `table.key`. */
  readonly flags: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The tables of a whole file. */
export interface ConfigTables {
  readonly log: ConfigTable;
  readonly identity: ConfigTable;
  readonly http: ConfigTable;
  readonly admin: ConfigTable;
  readonly audit: ConfigTable;
  readonly validators: readonly ConfigTable[];
}

type TomlTable = Readonly<Record<string, unknown>>;

/**
 * @throws {UnknownConfigKeyError} ERR_CONFIG_UNKNOWN_KEY
 * @throws {ConfigValueError} ERR_CONFIG_VALUE
 */
export function readTables(document: TomlTable, source: ConfigSource): ConfigTables {
  const top = new ConfigTable(document, { table: '', index: 0, source });
  return {
    log: top.child('log') ?? top.empty('log'),
    identity: top.child('identity') ?? top.empty('identity'),
    http: top.child('http') ?? top.empty('http'),
    admin: top.child('admin') ?? top.empty('admin'),
    audit: top.child('audit') ?? top.empty('audit'),
    validators: top.children('validator'),
  };
}

/** One table, its keys known and its values of the right kind. */
export class ConfigTable {
  readonly #values: TomlTable;
  readonly #table: string;
  /** Which occurrence of the repeated table around it, from 0. */
  readonly #index: number;
  readonly #source: ConfigSource;

  /**
   * @throws {UnknownConfigKeyError} ERR_CONFIG_UNKNOWN_KEY
   * @throws {ConfigValueError} ERR_CONFIG_VALUE
   */
  constructor(
    values: TomlTable,
    place: { readonly table: string; readonly index: number; readonly source: ConfigSource },
  ) {
    this.#values = values;
    this.#table = place.table;
    this.#index = place.index;
    this.#source = place.source;
    this.#check();
  }

  /** A text that is required or has a default. */
  text(key: string): string {
    const value = this.optionalText(key);
    if (value === undefined) throw this.fault(key, 'is missing');
    return value;
  }

  optionalText(key: string): string | undefined {
    const value = this.#value(key);
    return typeof value === 'string' ? value : undefined;
  }

  texts(key: string): readonly string[] {
    return this.#value(key) as readonly string[];
  }

  flag(key: string): boolean {
    return this.#value(key) === true;
  }

  /** A whole number that has a default. */
  number(key: string): number {
    return Number(this.#value(key));
  }

  /** An id as something else, as text. @throws {ConfigValueError} ERR_CONFIG_VALUE for what `parse` throws. */
  parsedId<T>(key: string, parse: (text: string) => T): T {
    try {
      return parse(String(this.#value(key)));
    } catch (error) {
      throw this.wrong(key, error);
    }
  }

  /** A text as something else. @throws {ConfigValueError} ERR_CONFIG_VALUE for what `parse` throws. */
  parsed<T>(key: string, parse: (text: string) => T): T {
    const text = this.text(key);
    try {
      return parse(text);
    } catch (error) {
      throw this.wrong(key, error);
    }
  }

  child(name: string): ConfigTable | undefined {
    const value = this.#values[name];
    if (value === undefined) return undefined;
    return this.#nested(name, value, this.#index);
  }

  /** The occurrences of a repeated table. */
  children(name: string): readonly ConfigTable[] {
    const value = this.#values[name];
    if (value === undefined) return [];
    if (!Array.isArray(value)) {
      throw this.fault(name, `is written with two brackets: [[${name}]]`);
    }
    // A line is looked for by the occurrence of the outermost repeated table.
    const isInner = this.#table !== '';
    return value.map((item, index) => this.#nested(name, item, isInner ? this.#index : index));
  }

  empty(name: string): ConfigTable {
    return this.#nested(name, {}, 0);
  }

  /** An error about a key, with its place. */
  fault(key: string, reason: string, options?: ErrorOptions): ConfigValueError {
    return new ConfigValueError(this.#place(key), this.#path(key), reason, options);
  }

  /** What a parser said about a value, with the place; anything but a coded error is passed through. */
  wrong(key: string, error: unknown): unknown {
    if (!(error instanceof CodedError)) return error;
    return this.fault(key, `is wrong: ${error.message}`, { cause: error });
  }

  #nested(name: string, value: unknown, index: number): ConfigTable {
    if (!isTable(value)) throw this.fault(name, 'is a table, not a value');
    const table = this.#path(name);
    return new ConfigTable(value, { table, index, source: this.#source });
  }

  /** Flag above environment above file above default. */
  #value(key: string): unknown {
    const known = this.#known(key);
    const { flags, environment } = this.#source;
    const flag = flags[this.#path(key)];
    if (flag !== undefined) {
      return this.#checked(known, fromText(known, flag), `flag --${this.#table}-${key}`);
    }
    const variable = known.variable === undefined ? undefined : environment[known.variable];
    if (variable !== undefined && variable !== '') {
      return this.#checked(known, variable, `environment variable ${known.variable}`);
    }
    return this.#values[key] ?? known.fallback;
  }

  #known(key: string): ConfigKey {
    const known = CONFIG_KEYS.find((entry) => entry.table === this.#table && entry.key === key);
    if (known === undefined) throw this.fault(key, 'is asked for and not known');
    return known;
  }

  #check(): void {
    const keys = CONFIG_KEYS.filter(({ table }) => table === this.#table);
    const names = [...keys.map(({ key }) => key), ...tablesBelow(this.#table)];
    for (const [name, value] of Object.entries(this.#values)) {
      if (!names.includes(name)) {
        const nearest = this.#path(nearestWord(name, names));
        throw new UnknownConfigKeyError(this.#place(name), this.#path(name), nearest);
      }
      const known = keys.find(({ key }) => key === name);
      if (known !== undefined) this.#checked(known, value, this.#place(name));
    }
    for (const { key, isRequired } of keys) {
      if (isRequired === true && this.#values[key] === undefined) {
        throw this.fault(key, 'is missing');
      }
    }
  }

  #checked({ key, kind }: ConfigKey, value: unknown, place: string): unknown {
    const reason = faultOf(kind, value);
    if (reason === undefined) return value;
    throw new ConfigValueError(place, this.#path(key), reason);
  }

  #path(key: string): string {
    return this.#table === '' ? key : `${this.#table}.${key}`;
  }

  #place(key: string): string {
    const { path, text } = this.#source;
    const at = { table: this.#table, index: this.#index };
    const table = this.#table.lastIndexOf('.');
    const line =
      lineOfKey(text, { ...at, key }) ??
      lineOfKey(text, {
        table: table < 0 ? '' : this.#table.slice(0, table),
        index: this.#index,
        key: this.#table.slice(table + 1),
      });
    return line === undefined ? path : `${path}, line ${line}`;
  }
}

/** The command line has texts only. */
function fromText({ kind }: ConfigKey, text: string): unknown {
  if (kind !== 'flag') return text;
  return text === 'true' ? true : text === 'false' ? false : text;
}

function tablesBelow(table: string): readonly string[] {
  const prefix = table === '' ? '' : `${table}.`;
  const below = CONFIG_KEYS.filter((entry) => entry.table.startsWith(prefix))
    .map((entry) => entry.table.slice(prefix.length).split('.')[0] ?? '')
    .filter((name) => name !== '');
  return [...new Set(below)];
}

function faultOf(kind: ConfigKey['kind'], value: unknown): string | undefined {
  if (kind === 'text') {
    if (typeof value !== 'string') return `is a text in quotes, not ${describe(value)}`;
    return value === '' ? 'is empty' : undefined;
  }
  if (kind === 'flag') {
    return typeof value === 'boolean' ? undefined : `is true or false, not ${describe(value)}`;
  }
  if (kind === 'id') {
    const isId = isWholeNumber(value) || (typeof value === 'string' && value !== '');
    return isId ? undefined : `is a whole number or an id in quotes, not ${describe(value)}`;
  }
  if (kind === 'milliseconds') {
    const isLong = isWholeNumber(value) && value > 0 && value <= MAX_MILLISECONDS;
    return isLong ? undefined : `is a whole number of milliseconds above 0, not ${describe(value)}`;
  }
  if (kind === 'seconds' || kind === 'bytes') {
    const isCount = isWholeNumber(value) && value > 0;
    return isCount ? undefined : `is a whole number of ${kind} above 0, not ${describe(value)}`;
  }
  if (kind === 'texts') {
    const isTexts = Array.isArray(value) && value.every((item) => typeof item === 'string');
    return isTexts ? undefined : `is a list of texts in quotes, not ${describe(value)}`;
  }
  if (typeof value === 'string' && kind.includes(value)) return undefined;
  return `is one of ${kind.join(', ')}, not ${describe(value)}`;
}

function isWholeNumber(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

/** Short, and without the content of what might be a misplaced secret. */
function describe(value: unknown): string {
  if (typeof value === 'string') return value.length <= 20 ? JSON.stringify(value) : 'a long text';
  if (typeof value === 'object') return Array.isArray(value) ? 'a list' : 'a table';
  return String(value);
}

function isTable(value: unknown): value is TomlTable {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
  );
}
