/** What operators write: addresses of both sides, and `signer.toml`. */
import { isAbsolute } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  formatSignerAddress,
  parseSignerAddress,
} from '@privval/node-client/privval/signer-address';
import { parseConfig, type SignerConfig } from '@privval/signer/config/config';
import { configText, type ValidatorText, withValidator } from '@privval/signer/config/config-text';
import {
  addressWarnings,
  type NodeAddress,
  parseNodeAddress,
  printEndpoint,
  printNodeAddress,
} from '@privval/signer/connection/node-address';
import { type FuzzTarget, owed, refusedAs } from './fuzz-target.ts';

/** Where the signer dials. */
export const nodeAddressTarget: FuzzTarget = {
  name: 'node-address',
  run(bytes) {
    const address = parseNodeAddress(new TextDecoder().decode(bytes));
    addressWarnings(address);
    owed(
      isDeepStrictEqual(parseNodeAddress(printNodeAddress(address)), address),
      'an address that was read can be written and read',
    );
  },
  allowed: refusedAs('ERR_INVALID_NODE_ADDRESS'),
};

/** Where the node listens or dials. */
export const signerAddressTarget: FuzzTarget = {
  name: 'signer-address',
  run(bytes) {
    const address = parseSignerAddress(new TextDecoder().decode(bytes));
    owed(
      isDeepStrictEqual(parseSignerAddress(formatSignerAddress(address)), address),
      'an address that was read can be written and read',
    );
  },
  allowed: refusedAs('ERR_INVALID_SIGNER_ADDRESS'),
};

const HOME = '/home/signer';

/** `signer.toml`. */
export const configTarget: FuzzTarget = {
  name: 'signer-config',
  share: 0.5,
  run(bytes) {
    const config = parse(new TextDecoder().decode(bytes));
    owed(isAbsolute(config.identityFile), 'a path does not depend on where the process runs');
    const names = new Set(config.validators.map(({ name }) => name));
    owed(names.size === config.validators.length && names.size > 0, 'every validator has its name');
    const again = parse(textOf(config));
    owed(
      isDeepStrictEqual(again.validators, config.validators),
      'a validator that was read can be written and read',
    );
  },
  allowed: refusedAs(
    'ERR_CONFIG_SYNTAX',
    'ERR_CONFIG_UNKNOWN_KEY',
    'ERR_CONFIG_VALUE',
    'ERR_GRPC_INSECURE_ADDRESS',
  ),
};

function parse(text: string): SignerConfig {
  return parseConfig(text, HOME, { environment: {} });
}

/** The validators as `signer init` and `signer validators add` would have written them. */
function textOf({ validators }: SignerConfig): string {
  return validators
    .map(({ name, chainId, providers, nodes, grpc }): ValidatorText => {
      const tls = grpc?.tls;
      return {
        name,
        chainId,
        providers,
        nodes: (nodes as readonly NodeAddress[]).map(printNodeAddress),
        grpc: grpc && {
          listen: printEndpoint(grpc),
          tls: tls && { cert: tls.certFile, key: tls.keyFile, clientCa: tls.clientCaFile },
        },
      };
    })
    .reduce((text, one) => (text === '' ? configText(one) : withValidator(text, one)), '');
}
