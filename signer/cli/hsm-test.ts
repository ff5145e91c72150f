/** `signer hsm test`. */
import { testPkcs11Key } from '@privval/hsm/pkcs11/test-key';
import { WrongCheckSignatureError } from '@privval/hsm/provisioning/sign-check-messages';
import { testYubiHsmKey } from '@privval/hsm/provisioning/yubihsm-keys';
import { parseKeyId, parseObjectId } from '../keyring/device-values.ts';
import { type CliContext, printJson } from './context.ts';
import { accessFromFlags, type HsmFlags, type TokenAccess } from './hsm-flags.ts';
import { publicKeyNames } from './hsm-key-rows.ts';

const DEFAULT_COUNT = 10;

/** As the command line has them. */
export interface HsmTestFlags extends HsmFlags {
  readonly count?: number;
}

/** Has a key sign check messages (S27), and shows how long that takes. */
export async function runHsmTest(
  context: CliContext,
  key: string,
  flags: HsmTestFlags,
): Promise<void> {
  const { count = DEFAULT_COUNT, json } = flags;
  const access = accessFromFlags(flags);
  const tested =
    access.kind === 'pkcs11'
      ? await testInToken(context, { ...access.pkcs11, key, count })
      : await testYubiHsmKey(context, { ...access.yubihsm, id: parseObjectId(key), count });
  const latency = latencyOf(tested.signMs);
  const { publicKey, address } = publicKeyNames(tested.publicKey);
  if (json === true) {
    printJson(context, {
      publicKey,
      address,
      signatures: tested.signMs.length,
      latencyMs: latency,
    });
    return;
  }
  const { min, median, p99, max } = latency;
  context.print(`key         ${JSON.stringify(publicKey)}`);
  context.print(`address     ${address}`);
  context.print(`signatures  ${tested.signMs.length}, all of them good`);
  context.print(`latency     min ${min}, median ${median}, p99 ${p99}, max ${max} ms`);
}

/** @throws {WrongCheckSignatureError} ERR_CHECK_SIGNATURE_WRONG */
async function testInToken(
  context: CliContext,
  { key, ...options }: TokenAccess & { readonly key: string; readonly count: number },
): Promise<{ readonly publicKey: Uint8Array; readonly signMs: readonly number[] }> {
  const selector = /^0[xX]/.test(key) ? { id: parseKeyId(key) } : { label: key };
  const tested = await testPkcs11Key(context, { ...options, key: selector });
  if (!tested.isGood) throw new WrongCheckSignatureError(`key ${JSON.stringify(key)}`);
  return tested;
}

/** In milliseconds, to the hundredth. */
function latencyOf(signMs: readonly number[]): Record<'min' | 'median' | 'p99' | 'max', number> {
  const sorted = signMs.toSorted((a, b) => a - b);
  const at = (share: number): number => {
    const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return Math.round(value * 100) / 100;
  };
  return { min: at(0), median: at(0.5), p99: at(0.99), max: at(1) };
}
