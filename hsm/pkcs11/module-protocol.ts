/** What a module's process is asked, and what it answers. JSON, with bytes as hexadecimal. */
import type { EcParamsEncoding } from './ec-encoding.ts';
import type { ErrorRecord } from './revive-error.ts';

/** Which key of a token: by CKA_LABEL, or by CKA_ID in hexadecimal. */
export type KeySelector = { readonly label: string } | { readonly id: string };

/** For names, logs and errors: `"validator"`, or `with id 0x0064`. */
export function selectorText(key: KeySelector): string {
  return 'label' in key ? JSON.stringify(key.label) : `with id 0x${key.id}`;
}

/** A token, as its module describes it. */
export interface TokenInfo {
  readonly label: string;
  readonly serial: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly isInitialized: boolean;
  /** Whether it signs with Ed25519 keys (CKM_EDDSA). */
  readonly signsEd25519: boolean;
}

/** A private key of a token. */
export interface TokenKey {
  readonly label: string;
  /** CKA_ID, in hexadecimal. */
  readonly id: string;
  /** `ed25519`, `ed448`, `ec`, `rsa`, or the number. */
  readonly type: string;
  /** 32 bytes in hexadecimal; only of Ed25519 keys whose public half the token shows. */
  readonly publicKey: string | undefined;
  readonly canSign: boolean;
  /** Whether the token ever gives it out, wrapped. */
  readonly isExtractable: boolean | undefined;
  /** Whether it was made in the token. */
  readonly isLocal: boolean | undefined;
}

/** Under what a new key is kept. */
export interface NewKey {
  /** CKA_LABEL. No key may have it yet. */
  readonly label: string;
  /** CKA_ID as a number of 16 bits; taken if it is free, else the next one that is. */
  readonly firstId: number;
  /** Spellings of the curve, in the order in which they are tried. */
  readonly encodings: readonly EcParamsEncoding[];
}

/** One request. Secrets and messages travel in the frame's body. */
export type ModuleRequest =
  | { readonly do: 'load'; readonly modulePath: string }
  | { readonly do: 'list-tokens' }
  /** The body is the PIN. */
  | { readonly do: 'log-in'; readonly token: string; readonly isReadWrite: boolean }
  | { readonly do: 'list-keys' }
  | { readonly do: 'open-key'; readonly key: KeySelector }
  /** The body is the message; so is the signature in the answer. */
  | { readonly do: 'sign'; readonly key: KeySelector; readonly publicKey: string }
  | { readonly do: 'generate'; readonly key: NewKey }
  /** The body is the seed. */
  | { readonly do: 'import'; readonly key: NewKey; readonly publicKey: string }
  /** Takes both halves of a key away, for good. */
  | { readonly do: 'remove'; readonly id: string; readonly publicKey: string }
  | { readonly do: 'close' };

/** The names of the requests. */
export type RequestName = ModuleRequest['do'];

/** What a request's answer holds. */
export interface Answers {
  readonly load: null;
  readonly 'list-tokens': readonly TokenInfo[];
  readonly 'log-in': TokenInfo;
  readonly 'list-keys': readonly TokenKey[];
  readonly 'open-key': TokenKey;
  readonly sign: null;
  readonly generate: TokenKey;
  readonly import: TokenKey;
  readonly remove: null;
  readonly close: null;
}

/** A request's frame. Answers carry the same number. */
export interface RequestHeader {
  readonly id: number;
  readonly request: ModuleRequest;
}

/** An answer's frame. */
export type AnswerHeader =
  | { readonly id: number; readonly ok: unknown }
  | { readonly id: number; readonly error: ErrorRecord };
