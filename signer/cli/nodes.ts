/** `signer nodes add | list | remove`: over the running signer, or in `signer.toml` when nobody serves. */
import { resolve } from 'node:path';
import { errorCode } from '@privval/proto/runtime/coded-error';
import { parseRpcUrl } from '../chain/rpc-url.ts';
import { readConfig } from '../config/config.ts';
import { UnknownValidatorError } from '../guard/sign-state-errors.ts';
import { checkHome } from '../home/check-home.ts';
import { ChooseValidatorError, ConfirmationRequiredError } from '../home/home-state.ts';
import { openHomeStore } from '../home/open-home-store.ts';
import type { NodeJson } from '../http/admin-bodies.ts';
import {
  type EditLists,
  editNodes,
  nodeLists,
  withNode,
  withoutNode,
} from '../nodes/edit-nodes.ts';
import type { ValidatorOptions } from '../signer-validator.ts';
import { type CliContext, printJson, printTable } from './context.ts';
import { Daemon, type DaemonFlags } from './daemon.ts';

/** As the command line has them. */
export interface NodesAddFlags extends DaemonFlags {
  readonly rpc?: string;
}

/** Adds a node, its RPC, or a witness. */
export async function runNodesAdd(
  context: CliContext,
  address: string | undefined,
  flags: NodesAddFlags,
): Promise<void> {
  const { rpc } = flags;
  const body = {
    ...(address === undefined ? {} : { address }),
    ...(rpc === undefined ? {} : { rpc }),
  };
  const rows = await either(context, flags, {
    asked: (daemon) => daemon.act<readonly NodeJson[]>('nodes.add', flags, body),
    edit: (lists) => withNode(lists, { address, rpc }),
  });
  printNodes(context, flags, rows);
}

/** Removes a node with its RPC, or a witness. */
export async function runNodesRemove(
  context: CliContext,
  address: string,
  flags: DaemonFlags,
): Promise<void> {
  const rows = await either(context, flags, {
    asked: (daemon) => daemon.act<readonly NodeJson[]>('nodes.remove', flags, { address }),
    edit: (lists, { name, grpc }) => {
      const without = withoutNode(lists, address, grpc !== undefined);
      if (flags.confirm === name) return without;
      throw new ConfirmationRequiredError(name, `${address} would not be served any more`);
    },
  });
  printNodes(context, flags, rows);
}

/** Lists nodes and witnesses. */
export async function runNodesList(context: CliContext, flags: DaemonFlags): Promise<void> {
  const rows = await either(context, flags, {
    asked: async (daemon) => {
      const validator = await daemon.chosen(flags.validator);
      return daemon.call<readonly NodeJson[]>('nodes', { params: { validator } });
    },
    edit: (lists) => lists,
  });
  printNodes(context, flags, rows);
}

/** The running signer if there is one; the file, under the home's lock, if there is none. */
async function either(
  context: CliContext,
  flags: DaemonFlags,
  ways: {
    readonly asked: (daemon: Daemon) => Promise<readonly NodeJson[]>;
    readonly edit: EditLists;
  },
): Promise<readonly NodeJson[]> {
  const home = resolve(flags.home);
  checkHome(home);
  try {
    return await ways.asked(new Daemon(context, flags));
  } catch (error) {
    if (errorCode(error) !== 'ERR_ADMIN_UNREACHABLE') throw error;
  }
  await using _opened = await openHomeStore(context, { home, command: 'signer nodes' });
  const name = chosen(readConfig(home).validators, flags.validator);
  const config = editNodes(home, name, ways.edit);
  return fileRows(config.validators.find((validator) => validator.name === name));
}

function chosen(validators: readonly ValidatorOptions[], name: string | undefined): string {
  const names = validators.map((validator) => validator.name);
  if (name !== undefined) {
    if (!names.includes(name)) throw new UnknownValidatorError(name);
    return name;
  }
  const [only] = names;
  if (only === undefined || names.length > 1) throw new ChooseValidatorError(names);
  return only;
}

function fileRows(options: ValidatorOptions | undefined): readonly NodeJson[] {
  if (options === undefined) return [];
  const { nodes, rpcs, witnesses } = nodeLists(options);
  const row = (address: string | null, rpc: string, state: string): NodeJson => ({
    address,
    rpc: rpc === '' ? null : parseRpcUrl(rpc).shown,
    state,
    version: null,
    tip: null,
    committed: null,
    error: null,
  });
  return [
    ...nodes.map((address, at) => row(address, rpcs[at] ?? '', 'not served')),
    ...witnesses.map((url) => row(null, url, 'witness')),
  ];
}

function printNodes(context: CliContext, { json }: DaemonFlags, rows: readonly NodeJson[]): void {
  if (json === true) {
    printJson(context, rows);
    return;
  }
  printTable(
    context,
    ['NODE', 'STATE', 'RPC', 'VERSION', 'TIP', 'COMMITTED', 'LAST FAULT'],
    rows.map(({ address, state, rpc, version, tip, committed, error }) => [
      address ?? '-',
      state,
      rpc ?? '-',
      version ?? '-',
      tip ?? '-',
      committed ?? '-',
      error === null ? '-' : `${error.code} at ${error.at}`,
    ]),
  );
}
