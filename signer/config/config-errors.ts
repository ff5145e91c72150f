/** What can be wrong with `signer.toml` and with what stands above it. */
import { CodedError } from '@privval/proto/runtime/coded-error';

/** The configuration cannot be read. */
export class ConfigUnreadableError extends CodedError {
  override readonly name = 'ConfigUnreadableError';
  readonly code = 'ERR_CONFIG_UNREADABLE';
  readonly path: string;

  constructor(what: { readonly path: string; readonly reason: string }, options?: ErrorOptions) {
    super(`cannot read ${what.path}: ${what.reason}`, options);
    this.path = what.path;
  }
}

/** Where a text stops being TOML, and why. */
export interface TomlFault {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  readonly reason: string;
}

/** The configuration is not TOML. */
export class ConfigSyntaxError extends CodedError {
  override readonly name = 'ConfigSyntaxError';
  readonly code = 'ERR_CONFIG_SYNTAX';
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;

  constructor(place: TomlFault, options?: ErrorOptions) {
    super(`${place.path}, line ${place.line}, column ${place.column}: ${place.reason}`, options);
    this.line = place.line;
    this.column = place.column;
  }
}

/** A key nobody knows: most often a known one, mistyped. */
export class UnknownConfigKeyError extends CodedError {
  override readonly name = 'UnknownConfigKeyError';
  readonly code = 'ERR_CONFIG_UNKNOWN_KEY';
  /** As written, with its table: `log.levle`. */
  readonly key: string;
  /** The known one that is most like it. */
  readonly nearest: string;

  constructor(place: string, key: string, nearest: string) {
    super(`${place}: unknown key ${JSON.stringify(key)}; the nearest known key is ${nearest}`);
    this.key = key;
    this.nearest = nearest;
  }
}

/** A value is missing or is not one its key can have. */
export class ConfigValueError extends CodedError {
  override readonly name = 'ConfigValueError';
  readonly code = 'ERR_CONFIG_VALUE';
  /** With its table: `validator.chain_id`. */
  readonly key: string;

  constructor(place: string, key: string, reason: string, options?: ErrorOptions) {
    super(`${place}: ${key} ${reason}`, options);
    this.key = key;
  }
}
