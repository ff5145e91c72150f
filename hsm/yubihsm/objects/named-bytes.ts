/** A byte with a name, where it is known; and with a number in its name, where it is not. */
import { InvalidRequestError } from '../commands/invalid-request-error.ts';

/** Both directions. */
export interface NamedBytes<Name extends string> {
  /** @throws {InvalidRequestError} ERR_YUBIHSM_INVALID_REQUEST for what is no such name. */
  code(name: Name): number;
  /** Never refuses: newer firmware has more of them. */
  name(code: number): Name;
}

/** `field` is what errors call it; an unknown byte is called `field-N`, N in decimal. */
export function namedBytes<Field extends string, Known extends string>(
  field: Field,
  known: Readonly<Record<Known, number>>,
): NamedBytes<Known | `${Field}-${number}`> {
  const codes = new Map<string, number>(Object.entries(known));
  const names = new Map([...codes].map(([name, code]) => [code, name as Known]));
  const numbered = new RegExp(`^${field}-(0|[1-9]\\d{0,2})$`);
  return {
    code(name) {
      const code = codes.get(name) ?? Number(numbered.exec(name)?.[1] ?? Number.NaN);
      if (code <= 0xff) return code;
      throw new InvalidRequestError(field, `'${name}' is not known, and no ${field}-N below 256`);
    },
    name: (code) => names.get(code) ?? `${field}-${code}`,
  };
}
