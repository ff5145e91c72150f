/** Arithmetic with big integers. Not constant-time: nothing here guards a secret. */

/** The inverse of `value` modulo `modulus`. @throws {RangeError} when there is none. */
export function inverse(value: bigint, modulus: bigint): bigint {
  let [previous, current] = [modulus, mod(value, modulus)];
  let [previousFactor, factor] = [0n, 1n];
  while (current !== 0n) {
    const quotient = previous / current;
    [previous, current] = [current, previous - quotient * current];
    [previousFactor, factor] = [factor, previousFactor - quotient * factor];
  }
  if (previous !== 1n) throw new RangeError('no inverse');
  return mod(previousFactor, modulus);
}

/** The remainder in [0, modulus). */
export function mod(value: bigint, modulus: bigint): bigint {
  const remainder = value % modulus;
  return remainder < 0n ? remainder + modulus : remainder;
}
