/** The small schemas that requests and answers are made of. TypeBox: loaded by `npm run generate` and tests, never by the daemon. */
import Type, { type TString, type TUnsafe } from 'typebox';

/** An object with these members and no others. */
export const CLOSED: { readonly additionalProperties: false } = { additionalProperties: false };

/** A validator's name. */
export function nameText(): TString {
  return Type.String({ maxLength: 64, description: 'name of a validator' });
}

/** A height: decimal digits of an int64. */
export function heightText(description = 'a height, in decimal digits'): TString {
  return Type.String({ maxLength: 19, description });
}

/** A height in an answer. */
export function height(): TString {
  return Type.String({ pattern: '^[0-9]{1,19}$' });
}

/** Hexadecimal digits of exactly this many bytes. */
export function hexText(bytes: number, description: string): TString {
  return Type.String({ pattern: `^[0-9a-fA-F]{${bytes * 2}}$`, description });
}

/** ISO 8601. */
export function timeText(): TString {
  return Type.String({ description: 'ISO 8601, UTC' });
}

/** One of these words. */
export function oneOf<Word extends string>(words: readonly Word[]): TUnsafe<Word> {
  return Type.Unsafe<Word>({ type: 'string', enum: [...words] });
}
