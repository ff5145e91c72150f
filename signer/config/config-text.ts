/** `signer.toml` as `signer init` and `signer validators add` write it. */

/** What is written about one validator. Paths are relative to the home, or absolute. */
export interface ValidatorText {
  readonly name: string;
  readonly chainId: string;
  readonly keyFile: string;
  readonly passphraseFile: string | undefined;
  /** As they are to stand there. */
  readonly nodes: readonly string[];
  readonly grpc: GrpcText | undefined;
}

/** What is written about a validator's gRPC listener. */
export interface GrpcText {
  readonly listen: string;
  /** `undefined`: plaintext, on loopback. */
  readonly tls:
    | { readonly cert: string; readonly key: string; readonly clientCa: string }
    | undefined;
}

const HEAD = `# What signer serve does. Every key is explained in docs/operations.md; an unknown one is an error.
# Key, chain and floor of a validator are bound in floor.db: to change them here is refused at start.

[log]
level = "info"
format = "json"

[identity]
key_file = "identity.json"
`;

/** A whole file with one validator. */
export function configText(validator: ValidatorText): string {
  return HEAD + validatorText(validator);
}

/** The file with one validator more, everything else as it was. */
export function withValidator(text: string, validator: ValidatorText): string {
  return `${text.replace(/\n*$/, '\n')}${validatorText(validator)}`;
}

/** One validator's part of the file. */
export function validatorText({ name, chainId, keyFile, ...rest }: ValidatorText): string {
  const { passphraseFile, nodes, grpc } = rest;
  const lines = ['', '[[validator]]', `name = ${quote(name)}`, `chain_id = ${quote(chainId)}`];
  lines.push(`key_file = ${quote(keyFile)}`);
  if (passphraseFile !== undefined) lines.push(`passphrase_file = ${quote(passphraseFile)}`);
  lines.push(`nodes = [${nodes.map(quote).join(', ')}]`);
  if (grpc !== undefined) {
    lines.push('', '[validator.grpc]', `listen = ${quote(grpc.listen)}`);
    if (grpc.tls === undefined) lines.push('insecure = true');
    else {
      const { cert, key, clientCa } = grpc.tls;
      lines.push(`cert = ${quote(cert)}`, `key = ${quote(key)}`, `client_ca = ${quote(clientCa)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** A TOML basic string: JSON's escapes are TOML's, but for DEL, which JSON leaves as it is. */
function quote(text: string): string {
  return JSON.stringify(text).replaceAll('\u007f', '\\u007f');
}
