/** One node more or less in `signer.toml`: the file first, checked before it is written. */

import { parseRpcUrl } from '../chain/rpc-url.ts';
import type { SignerConfig } from '../config/config.ts';
import { parseConfig, readConfigText } from '../config/config.ts';
import { type NodeLists, withNodeLists } from '../config/config-edits.ts';
import { parseNodeAddress, printNodeAddress } from '../connection/node-address.ts';
import { UnknownValidatorError } from '../guard/sign-state-errors.ts';
import { replaceFile } from '../home/durable-file.ts';
import { homePaths } from '../home/home-paths.ts';
import type { ValidatorOptions } from '../signer-validator.ts';
import { ConfigNotEditableError, NodeNotChangedError } from './node-errors.ts';

/** A node, its RPC, or a witness (an RPC without a node). */
export interface NodeChange {
  readonly address?: string | undefined;
  readonly rpc?: string | undefined;
}

/** What is changed in the lists of one validator. */
export type EditLists = (lists: NodeLists, validator: ValidatorOptions) => NodeLists;

/**
 * Changes the lists of one validator in a home's `signer.toml`, as the file is now.
 *
 * @returns the configuration that the file holds from here on; unchanged lists write nothing.
 * @throws {UnknownValidatorError} ERR_UNKNOWN_VALIDATOR
 * @throws {ConfigNotEditableError} ERR_CONFIG_NOT_EDITABLE
 * @throws what `edit` and {@link parseConfig} throw; the file is then as it was.
 */
export function editNodes(home: string, validator: string, edit: EditLists): SignerConfig {
  const text = readConfigText(home);
  const config = parseConfig(text, home, { environment: {} });
  const index = config.validators.findIndex(({ name }) => name === validator);
  const options = config.validators[index];
  if (options === undefined) throw new UnknownValidatorError(validator);
  const before = nodeLists(options);
  const after = edit(before, options);
  if (JSON.stringify(after) === JSON.stringify(before)) return config;
  const edited = withNodeLists(text, index, after);
  if (edited === undefined) throw new ConfigNotEditableError(validator);
  const checked = parseConfig(edited, home, { environment: {} });
  const there = checked.validators[index];
  if (there === undefined || JSON.stringify(nodeLists(there)) !== JSON.stringify(after)) {
    throw new ConfigNotEditableError(validator);
  }
  replaceFile(homePaths(home).config, edited);
  return checked;
}

/**
 * With one node more, or with an RPC for a node that is there, or a witness.
 *
 * A repeat gives the same lists. @throws {NodeNotChangedError} ERR_NODE_EXISTS when the node has another RPC already.
 */
export function withNode(lists: NodeLists, change: NodeChange): NodeLists {
  const { nodes, rpcs, witnesses } = lists;
  const rpc = change.rpc === undefined ? undefined : parseRpcUrl(change.rpc).text;
  if (change.address === undefined) {
    if (rpc === undefined)
      throw new NodeNotChangedError('ERR_NODE_UNKNOWN', 'neither a node nor an RPC was given');
    if (rpcs.includes(rpc)) {
      throw new NodeNotChangedError('ERR_NODE_EXISTS', 'this RPC belongs to a node already');
    }
    return witnesses.includes(rpc) ? lists : { ...lists, witnesses: [...witnesses, rpc] };
  }
  const address = printNodeAddress(parseNodeAddress(change.address));
  const at = nodes.indexOf(address);
  if (at < 0) return { nodes: [...nodes, address], rpcs: [...rpcs, rpc ?? ''], witnesses };
  if (rpc === undefined || rpcs[at] === rpc) return lists;
  if (rpcs[at] !== '') {
    throw new NodeNotChangedError(
      'ERR_NODE_EXISTS',
      `${address} is there with another RPC: remove it first`,
    );
  }
  return { nodes, rpcs: rpcs.with(at, rpc), witnesses };
}

/**
 * Without a node, or without a witness.
 *
 * @throws {NodeNotChangedError} ERR_NODE_UNKNOWN, ERR_LAST_NODE when nobody could ask any more.
 */
export function withoutNode(lists: NodeLists, text: string, hasGrpc: boolean): NodeLists {
  const { nodes, rpcs, witnesses } = lists;
  const isHere = (value: string): boolean => value === text || value === printed(text);
  const at = nodes.findIndex(isHere);
  if (at >= 0) {
    if (nodes.length === 1 && !hasGrpc) {
      throw new NodeNotChangedError(
        'ERR_LAST_NODE',
        `${text} is the last node: nobody could ask this validator for a signature any more`,
      );
    }
    return { nodes: nodes.toSpliced(at, 1), rpcs: rpcs.toSpliced(at, 1), witnesses };
  }
  const witness = witnesses.findIndex((url) => url === text || parseRpcUrl(url).shown === text);
  if (witness >= 0) return { nodes, rpcs, witnesses: witnesses.toSpliced(witness, 1) };
  throw new NodeNotChangedError(
    'ERR_NODE_UNKNOWN',
    `there is no node ${text}: signer nodes list shows them`,
  );
}

/** The lists as the file has them, an RPC for each node. */
export function nodeLists({ nodes, rpcs = [], witnesses = [] }: ValidatorOptions): NodeLists {
  return {
    nodes: nodes.map(printNodeAddress),
    rpcs: nodes.map((_, at) => rpcs[at] ?? ''),
    witnesses,
  };
}

function printed(text: string): string {
  try {
    return printNodeAddress(parseNodeAddress(text));
  } catch {
    return text;
  }
}
