/** `signer keys generate | import | list | show`. None of them changes which key a validator has (S35). */
import { resolve } from 'node:path';
import { readKeyFile, writeKeyFile } from '@privval/hsm/file/open-key-file';
import { bech32FromPublicKey } from '@privval/proto/crypto/bech32';
import { addressToText, publicKeyToJson } from '@privval/proto/crypto/key-json';
import { addressFromPublicKey, type PublicKey } from '@privval/proto/crypto/public-key';
import { Ed25519SecretKey } from '@privval/proto/crypto/secret-key';
import { bytesFromHex } from '@privval/proto/runtime/bytes';
import { readConfig } from '../config/config.ts';
import { restoreKeyFile } from '../home/restore-key-file.ts';
import { askHome, chooseValidator } from './ask-home.ts';
import { type CliContext, type HomeFlags, printJson, printTable, UsageError } from './context.ts';
import { placeText, providerJson } from './describe-validator.ts';

/** As the command line has them. */
export interface KeysGenerateFlags {
  readonly out: string;
  readonly passphraseFile?: string;
  readonly json?: boolean;
}

/** Makes a key file outside any home. */
export async function runKeysGenerate(
  context: CliContext,
  flags: KeysGenerateFlags,
): Promise<void> {
  const { out, passphraseFile } = flags;
  using secret = Ed25519SecretKey.generate();
  await writeKeyFile(resolve(out), secret, { passphraseFile });
  printMade(context, flags.json, { file: resolve(out), publicKey: secret.publicKey });
}

/** As the command line has them. */
export interface KeysImportFlags {
  readonly home?: string;
  readonly validator?: string;
  readonly out?: string;
  readonly passphraseFile?: string;
  readonly fromPassphraseFile?: string;
  readonly json?: boolean;
}

/** Copies a key file into another form, or puts a lost one back into its home. */
export async function runKeysImport(
  context: CliContext,
  file: string,
  flags: KeysImportFlags,
): Promise<void> {
  const { home, validator, out, passphraseFile, fromPassphraseFile } = flags;
  if (out !== undefined) {
    if (validator !== undefined)
      throw new UsageError('--validator goes with --home, not with --out');
    const from = fromPassphraseFile ?? passphraseFile;
    const { secret } = await readKeyFile(file, { passphraseFile: from });
    using key = secret;
    await writeKeyFile(resolve(out), key, { passphraseFile });
    printMade(context, flags.json, { file: resolve(out), publicKey: key.publicKey });
    return;
  }
  if (home === undefined) throw new UsageError('give --out FILE for a copy, or --home DIR');
  if (passphraseFile !== undefined) {
    throw new UsageError(
      'into a home the key is written as signer.toml says: --from-passphrase-file opens the imported file',
    );
  }
  const restored = await restoreKeyFile(context, {
    home: resolve(home),
    file,
    validator,
    fromPassphraseFile,
  });
  printMade(context, flags.json, restored);
}

/** Lists the keys by what binds them, with their files. */
export async function runKeysList(context: CliContext, flags: HomeFlags): Promise<void> {
  const home = resolve(flags.home);
  const rows = await askHome(context, home, 'signer keys list').validators();
  const { validators } = readConfig(home);
  const keys = rows.map(({ name, chainId, publicKey, address }) => {
    const places = validators.find((validator) => validator.name === name)?.providers ?? [];
    const [file] = places.filter((place) => place.kind === 'file');
    return {
      validator: name,
      chainId,
      publicKey,
      address,
      keyFile: file?.keyFile ?? null,
      isEncrypted: file === undefined ? null : file.passphraseFile !== undefined,
      providers: places.map((place) => providerJson(place, home)),
      text: places.map((place) => placeText(place, home)).join('; '),
    };
  });
  if (flags.json === true) {
    printJson(
      context,
      keys.map(({ text, ...key }) => key),
    );
    return;
  }
  printTable(
    context,
    ['VALIDATOR', 'CHAIN', 'ADDRESS', 'KEY'],
    keys.map(({ validator, chainId, address, text }) => [
      validator,
      chainId,
      address,
      text === '' ? 'not in signer.toml: not served' : text,
    ]),
  );
}

/** As the command line has them. */
export interface KeysShowFlags extends HomeFlags {
  readonly validator?: string;
  readonly format: 'cometbft' | 'hex' | 'bech32' | 'address';
  readonly prefix?: string;
}

/** Prints the public key a validator's floor is bound to. */
export async function runKeysShow(context: CliContext, flags: KeysShowFlags): Promise<void> {
  const { format, prefix, validator } = flags;
  if (prefix !== undefined && format !== 'bech32') {
    throw new UsageError('--prefix goes with --format bech32');
  }
  const row = await chooseValidator(askHome(context, flags.home, 'signer keys show'), validator);
  const publicKey: PublicKey = { type: 'ed25519', bytes: bytesFromHex(row.publicKeyHex) };
  if (flags.json === true) {
    const home = resolve(flags.home);
    const places = readConfig(home).validators.find(({ name }) => name === row.name)?.providers;
    printJson(context, {
      ...row,
      bech32: bech32FromPublicKey(publicKey, prefix),
      providers: (places ?? []).map((place) => providerJson(place, home)),
    });
    return;
  }
  switch (format) {
    case 'cometbft':
      return context.print(JSON.stringify(row.publicKey));
    case 'hex':
      return context.print(row.publicKeyHex);
    case 'bech32':
      return context.print(bech32FromPublicKey(publicKey, prefix));
    case 'address':
      return context.print(row.address);
  }
}

function printMade(
  context: CliContext,
  json: boolean | undefined,
  { file, publicKey }: { readonly file: string; readonly publicKey: PublicKey },
): void {
  const shown = publicKeyToJson(publicKey);
  const address = addressToText(addressFromPublicKey(publicKey));
  if (json === true) printJson(context, { file, publicKey: shown, address });
  else context.print(`wrote ${file}\npublic key  ${JSON.stringify(shown)}\naddress     ${address}`);
}
