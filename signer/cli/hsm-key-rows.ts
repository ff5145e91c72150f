/** Keys in devices, as commands show them. */
import type { TokenKey } from '@privval/hsm/pkcs11/module-protocol';
import type { DeviceKey } from '@privval/hsm/provisioning/device-key';
import { domainsText } from '@privval/hsm/provisioning/key-domains';
import { addressToText, publicKeyToJson } from '@privval/proto/crypto/key-json';
import { addressFromPublicKey, ed25519PublicKey } from '@privval/proto/crypto/public-key';
import { bytesFromHex, hexFromBytes } from '@privval/proto/runtime/bytes';
import { objectIdText } from '../keyring/provider-options.ts';
import { type CliContext, printTable } from './context.ts';

/** A public key in the two forms that nodes know it by. */
export function publicKeyNames(bytes: Uint8Array): {
  readonly publicKey: { readonly type: string; readonly value: string };
  readonly address: string;
} {
  const key = ed25519PublicKey(bytes);
  return {
    publicKey: publicKeyToJson(key),
    address: addressToText(addressFromPublicKey(key)),
  };
}

/** A key of a YubiHSM for programs. */
export function deviceKeyJson({ info, publicKey, canSign, isExportable }: DeviceKey): unknown {
  const { id, label, algorithm, domains, capabilities, origin } = info;
  const names = nodeNames(algorithm, publicKey);
  return {
    id,
    idText: objectIdText(id),
    label,
    algorithm,
    domains,
    capabilities,
    origin,
    canSign,
    isExportable,
    publicKeyHex: publicKey === undefined ? null : hexFromBytes(publicKey),
    publicKey: names?.publicKey ?? null,
    address: names?.address ?? null,
  };
}

/** Keys of a YubiHSM for people. */
export function printDeviceKeys(context: CliContext, keys: readonly DeviceKey[]): void {
  if (keys.length === 0) {
    context.note('this authentication key sees no keys');
    return;
  }
  printTable(
    context,
    ['KEY', 'TYPE', 'ADDRESS', 'SIGNS', 'BACKUP', 'DOMAINS', 'LABEL'],
    keys.map(({ info, publicKey, canSign, isExportable }) => [
      objectIdText(info.id),
      info.algorithm,
      nodeNames(info.algorithm, publicKey)?.address ?? '-',
      canSign ? 'yes' : 'no',
      isExportable ? 'possible' : 'never',
      domainsText(info.domains),
      info.label,
    ]),
  );
}

/** Keys of a token for people. */
export function printTokenKeys(context: CliContext, keys: readonly TokenKey[]): void {
  if (keys.length === 0) {
    context.note('the token shows no keys');
    return;
  }
  printTable(
    context,
    ['ID', 'TYPE', 'ADDRESS', 'SIGNS', 'LABEL'],
    keys.map(({ id, type, publicKey, canSign, label }) => [
      `0x${id}`,
      type,
      publicKey === undefined ? '-' : publicKeyNames(bytesFromHex(publicKey)).address,
      canSign ? 'yes' : 'no',
      label,
    ]),
  );
}

/** A key of a token for programs. */
export function tokenKeyJson(key: TokenKey): unknown {
  const { publicKey: hex, ...rest } = key;
  const names = hex === undefined ? undefined : publicKeyNames(bytesFromHex(hex));
  return {
    ...rest,
    id: `0x${key.id}`,
    publicKeyHex: hex ?? null,
    publicKey: names?.publicKey ?? null,
    address: names?.address ?? null,
  };
}

function nodeNames(
  algorithm: string,
  publicKey: Uint8Array | undefined,
): ReturnType<typeof publicKeyNames> | undefined {
  return algorithm === 'ed25519' && publicKey !== undefined ? publicKeyNames(publicKey) : undefined;
}
