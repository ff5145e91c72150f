/** A validator that was just made, in JSON and in words: what it is, and what its node needs. */
import { join, resolve } from 'node:path';
import { addressToText, publicKeyToJson } from '@privval/proto/crypto/key-json';
import { nodeIdFromPublicKey } from '@privval/proto/crypto/node-id';
import { addressFromPublicKey, type PublicKey } from '@privval/proto/crypto/public-key';
import { libp2pPeerIdFromPublicKey } from '@privval/proto/noise/peer-id';
import { hexFromBytes } from '@privval/proto/runtime/bytes';
import { parseNodeAddress, printEndpoint } from '../connection/node-address.ts';
import { homePaths } from '../home/home-paths.ts';
import { describePosition, positionJson } from '../home/home-state.ts';
import { readIdentity } from '../home/identity.ts';
import type { NewValidator } from '../home/new-validator.ts';
import { objectIdText, type ProviderOptions, providerName } from '../keyring/provider-options.ts';

/** The signer's identity in the three forms nodes know it by. */
export interface IdentityJson {
  readonly nodeId: string;
  readonly libp2p: string;
  readonly hex: string;
}

/** The names of a key. */
export function identityJson(publicKey: PublicKey): IdentityJson {
  return {
    nodeId: nodeIdFromPublicKey(publicKey),
    libp2p: libp2pPeerIdFromPublicKey(publicKey),
    hex: hexFromBytes(publicKey.bytes),
  };
}

/** The identity of a home. Throws as {@link readIdentity}. */
export function readIdentityJson(home: string): IdentityJson {
  using identity = readIdentity(homePaths(home).identity);
  return identityJson(identity.publicKey);
}

/** What `init --json` and `validators add --json` print. */
export function newValidatorJson(home: string, made: NewValidator): object {
  const { record, publicKey, floor, nodeCertificates } = made;
  const [place] = made.text.providers;
  return {
    home,
    validator: record.name,
    chainId: record.chainId,
    publicKey: publicKeyToJson(publicKey),
    address: addressToText(addressFromPublicKey(publicKey)),
    ...(place?.kind === 'file' ? { keyFile: join(home, place.keyFile) } : {}),
    providers: made.text.providers.map((provider) => providerJson(provider, home)),
    floor: positionJson(floor),
    identity: readIdentityJson(home),
    ...(nodeCertificates === undefined ? {} : { nodeCertificates: join(home, nodeCertificates) }),
  };
}

/** The same in words, and what the node's configuration has to say. */
export function newValidatorText(home: string, made: NewValidator): string {
  const { record, publicKey, floor } = made;
  const identity = readIdentityJson(home);
  const [first, standby] = made.text.providers.map((provider) => placeText(provider, home));
  return [
    `validator   ${record.name} on chain ${record.chainId}`,
    `key         ${originOf(made)}, ${first}`,
    ...(standby === undefined ? [] : [`standby     ${standby}`]),
    `public key  ${JSON.stringify(publicKeyToJson(publicKey))}`,
    `floor       ${describePosition(positionJson(floor))}`,
    `identity    ${identity.nodeId} (tcp://), ${identity.libp2p} (noise://)`,
    ...nodeAdvice(home, made, identity),
  ].join('\n');
}

/** A place as JSON has it: what signer.toml says, ids as they are printed. */
export function providerJson(options: ProviderOptions, home: string): object {
  switch (options.kind) {
    case 'file':
      return {
        kind: 'file',
        keyFile: resolve(home, options.keyFile),
        isEncrypted: options.passphraseFile !== undefined,
      };
    case 'yubihsm': {
      const { kind, connector, authKeyId, objectId, serial } = options;
      const ids = { authKey: objectIdText(authKeyId), objectId: objectIdText(objectId) };
      return { kind, connector, ...ids, ...(serial === undefined ? {} : { serial }) };
    }
    case 'pkcs11': {
      const { kind, module, token, key } = options;
      const name = 'label' in key ? { keyLabel: key.label } : { keyId: `0x${key.id}` };
      return { kind, module, token, ...name };
    }
  }
}

/** The same in words. */
export function placeText(options: ProviderOptions, home: string): string {
  if (options.kind !== 'file') return providerName(options);
  const isEncrypted = options.passphraseFile !== undefined;
  return `${resolve(home, options.keyFile)} (${isEncrypted ? 'encrypted' : 'not encrypted, mode 0600'})`;
}

function originOf({ isExistingKey, text }: NewValidator): string {
  if (!isExistingKey) return 'fresh';
  return text.providers[0]?.kind === 'file' ? 'imported' : 'there already';
}

function nodeAdvice(home: string, made: NewValidator, identity: IdentityJson): readonly string[] {
  const lines = made.text.nodes.map(
    (node) => `  priv_validator_laddr = "${listenAddress(node, identity)}"`,
  );
  const advice = lines.length === 0 ? [] : ['', "In the node's config.toml:", ...lines];
  const { grpc } = made.text;
  if (grpc === undefined) return advice;
  advice.push('', `In the v0.35 node's config.toml, under [priv-validator]:`);
  advice.push(`  laddr = "grpc://${grpc.listen}"`);
  if (made.nodeCertificates === undefined) return advice;
  const folder = join(home, made.nodeCertificates);
  return [
    ...advice,
    '  client-certificate-file = "client.crt"',
    '  client-key-file = "client.key"',
    '  root-ca-file = "root-ca.crt"',
    `The files that were made for the node are in ${folder}: move them to it.`,
  ];
}

/** What the node listens on, for a signer that dials `node`. */
function listenAddress(node: string, identity: IdentityJson): string {
  const address = parseNodeAddress(node);
  switch (address.scheme) {
    case 'unix':
      return `unix://${address.path}`;
    case 'tcp':
      return `tcp://${printEndpoint(address)}`;
    case 'noise':
      return `noise://${identity.libp2p}@${printEndpoint(address)}`;
  }
}
