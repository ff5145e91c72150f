/** Nodes of a running signer: added, removed, read anew from `signer.toml`. */
import { errorCode } from '@privval/proto/runtime/coded-error';
import type { Logger } from '@privval/proto/runtime/logger';
import { parseRpcUrl } from '../chain/rpc-url.ts';
import { type LogLevel, readConfig, type SignerConfig } from '../config/config.ts';
import type { HomeTables, JournalDraft } from '../guard/home-transaction.ts';
import type { Act } from '../http/access.ts';
import type { NodeJson, ReloadJson } from '../http/admin-bodies.ts';
import type { NodeDesk } from '../operations.ts';
import type { ValidatorStatus } from '../signer-status.ts';
import type { ValidatorOptions } from '../signer-validator.ts';
import { type EditLists, editNodes, nodeLists, withNode, withoutNode } from './edit-nodes.ts';
import { planReload } from './plan-reload.ts';

/** What an RPC of a validator does at the moment. */
export interface RpcStatus {
  readonly url: string;
  readonly version: string | undefined;
  readonly tip: bigint | undefined;
  readonly error:
    | { readonly code: string; readonly text: string; readonly atMs: number }
    | undefined;
}

/** The running signer, as far as its nodes go. */
export interface NodeDeskDeps {
  /** Of each validator that is served; the configuration in force. */
  readonly validators: () => readonly ValidatorOptions[];
  readonly statusOf: (validator: string) => ValidatorStatus;
  readonly rpcsOf: (validator: string) => readonly RpcStatus[];
  /** Newest height proven to be committed on a node. */
  readonly committedOn: (validator: string, node: string) => bigint | undefined;
  /** Brings other nodes into effect; healthy connections stay. */
  readonly setNodes: (validator: string, options: ValidatorOptions) => Promise<void>;
  readonly setLogLevel: (level: LogLevel) => void;
  readonly tables: Pick<HomeTables, 'commit'>;
  readonly logger: Logger;
}

/** Where it works. */
export interface NodeDeskOptions {
  readonly home: string;
  /** What `serve` was started with. */
  readonly config: SignerConfig;
}

/**
 * The desk. `signer.toml` is changed first, so that a restart finds what was agreed; then the entry
 * of the audit log is durable; then the change takes effect. One change at a time.
 */
export class ConfiguredNodeDesk implements NodeDesk {
  readonly #deps: NodeDeskDeps;
  readonly #home: string;
  /** What is in force beside the validators. */
  #config: SignerConfig;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(deps: NodeDeskDeps, { home, config }: NodeDeskOptions) {
    this.#deps = deps;
    this.#home = home;
    this.#config = config;
  }

  nodes(validator: string): readonly NodeJson[] {
    const { statusOf, rpcsOf, committedOn } = this.#deps;
    const { nodes } = statusOf(validator);
    const rpcs = rpcsOf(validator);
    const options = this.#deps.validators().find(({ name }) => name === validator);
    const lists = options === undefined ? undefined : nodeLists(options);
    const followed = (url: string): RpcStatus | undefined =>
      url === '' ? undefined : rpcs.find((rpc) => rpc.url === parseRpcUrl(url).shown);
    const ofNodes = nodes.map((link, at): NodeJson => {
      const url = lists?.rpcs[at] ?? '';
      const rpc = followed(url);
      const committed = committedOn(validator, link.address);
      return {
        address: link.address,
        rpc: url === '' ? null : parseRpcUrl(url).shown,
        state: link.state,
        version: rpc?.version ?? null,
        tip: rpc?.tip === undefined ? null : String(rpc.tip),
        committed: committed === undefined ? null : String(committed),
        error: errorJson(link.lastError ?? rpc?.error),
      };
    });
    const ofWitnesses = (lists?.witnesses ?? []).map((url): NodeJson => {
      const rpc = followed(url);
      return {
        address: null,
        rpc: parseRpcUrl(url).shown,
        state: 'witness',
        version: rpc?.version ?? null,
        tip: rpc?.tip === undefined ? null : String(rpc.tip),
        committed: null,
        error: errorJson(rpc?.error),
      };
    });
    return [...ofNodes, ...ofWitnesses];
  }

  async add(
    validator: string,
    node: { readonly address: string | undefined; readonly rpc: string | undefined },
    act: Act,
  ): Promise<readonly NodeJson[]> {
    const shown = node.rpc === undefined ? 'none' : parseRpcUrl(node.rpc).shown;
    const details = { address: node.address ?? 'none', rpc: shown };
    return this.#edit(validator, (lists) => withNode(lists, node), act, details);
  }

  async remove(validator: string, address: string, act: Act): Promise<readonly NodeJson[]> {
    const edit: EditLists = (lists, { grpc }) => withoutNode(lists, address, grpc !== undefined);
    return this.#edit(validator, edit, act, { address });
  }

  async reload(act: Act): Promise<ReloadJson> {
    return this.#inTurn(() => this.#reload(act));
  }

  async #edit(
    validator: string,
    edit: EditLists,
    act: Act,
    details: Readonly<Record<string, string>>,
  ): Promise<readonly NodeJson[]> {
    return this.#inTurn(async () => {
      // Refused before the file is looked at: a validator that is not served has no nodes here.
      this.#deps.statusOf(validator);
      const config = editNodes(this.#home, validator, edit);
      const wanted = config.validators.find(({ name }) => name === validator);
      const current = this.#deps.validators().find(({ name }) => name === validator);
      if (wanted !== undefined && !(current !== undefined && isSame(wanted, current))) {
        this.#record(act, validator, details);
        await this.#deps.setNodes(validator, wanted);
        this.#deps.logger.warn({ validator, by: act.by, ...details }, 'its nodes were changed');
      }
      return this.nodes(validator);
    });
  }

  async #reload(act: Act): Promise<ReloadJson> {
    const { validators, setNodes, setLogLevel, logger } = this.#deps;
    const running = { ...this.#config, validators: validators() };
    let plan: ReturnType<typeof planReload>;
    let wanted: SignerConfig;
    try {
      wanted = readConfig(this.#home);
      plan = planReload(running, wanted);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      const code = errorCode(error);
      logger.error({ code, reason: text }, 'signer.toml was not reloaded: nothing is changed');
      return { changed: [], needsRestart: [], refused: { code, text } };
    }
    const { changed, needsRestart, nodesOf, logLevel } = plan;
    if (changed.length > 0) this.#record(act, undefined, { changed: changed.join(', ') });
    if (logLevel !== undefined) setLogLevel(logLevel);
    for (const validator of nodesOf) await setNodes(validator.name, validator);
    this.#config = { ...running, log: { ...running.log, level: wanted.log.level } };
    logger.info({ changed, needsRestart, by: act.by }, 'signer.toml was reloaded');
    return { changed, needsRestart, refused: null };
  }

  #record(
    act: Act,
    validator: string | undefined,
    details: Readonly<Record<string, string>>,
  ): void {
    const { name, by, approvedBy } = act;
    const body = JSON.stringify({ act: name, by, approvedBy, outcome: 'done', details });
    const entry: JournalDraft = { kind: 'act', ...(validator && { validator }), body };
    this.#deps.tables.commit({ entries: [entry] });
  }

  /** After the one before it, whatever came of that. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work, work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}

function isSame(a: ValidatorOptions, b: ValidatorOptions): boolean {
  return JSON.stringify(nodeLists(a)) === JSON.stringify(nodeLists(b));
}

function errorJson(
  error: { readonly code: string; readonly text: string; readonly atMs: number } | undefined,
): NodeJson['error'] {
  if (error === undefined) return null;
  const { code, text, atMs } = error;
  return { code, text, at: new Date(atMs).toISOString() };
}
