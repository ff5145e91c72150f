/** Commands that act on the running signer: over its admin API, with the validator chosen and confirmed. */
import { resolve } from 'node:path';
import type { AbortOptions } from '@privval/proto/runtime/abort';
import { CodedError, errorCode } from '@privval/proto/runtime/coded-error';
import { UnknownValidatorError } from '../guard/sign-state-errors.ts';
import { checkHome } from '../home/check-home.ts';
import { homePaths } from '../home/home-paths.ts';
import { ChooseValidatorError } from '../home/home-state.ts';
import type { ApprovalAskedJson } from '../http/admin-bodies.ts';
import { AdminClient, type AdminRequest } from '../http/admin-client.ts';
import type { AdminRouteName } from '../http/admin-routes.ts';
import type { CliContext, HomeFlags } from './context.ts';

/** Flags of a command on one validator of a running signer. */
export interface DaemonFlags extends HomeFlags {
  readonly validator?: string;
  /** The validator's name, where the act cannot be taken back. */
  readonly confirm?: string;
  /** Id of an approval, in two-person mode. */
  readonly approval?: string;
}

/** In two-person mode: the act waits for a second person. */
export class ApprovalAskedError extends CodedError {
  override readonly name = 'ApprovalAskedError';
  readonly code = 'ERR_APPROVAL_ASKED';
  readonly asked: ApprovalAskedJson;

  constructor(asked: ApprovalAskedJson) {
    const { approval, hash, expiresAt, approveWith } = asked;
    super(
      `this needs a second person, who compares ${hash} and runs: ${approveWith}\n` +
        `Then run this command again with --approval ${approval}, until ${expiresAt}`,
    );
    this.asked = asked;
  }
}

/** The running signer of a home. */
export class Daemon {
  readonly #context: CliContext;
  readonly #client: AdminClient;

  constructor(context: CliContext, flags: HomeFlags) {
    const home = resolve(flags.home);
    checkHome(home);
    this.#context = context;
    this.#client = new AdminClient(context, { socketPath: homePaths(home).adminSocket });
  }

  /** The validator that is meant: the one named, or the only one. */
  async chosen(name: string | undefined): Promise<string> {
    const rows = await this.#client.validators();
    const names = rows.map((row) => row.name);
    if (name !== undefined) {
      if (!names.includes(name)) throw new UnknownValidatorError(name);
      return name;
    }
    const [only] = names;
    if (only === undefined || names.length > 1) throw new ChooseValidatorError(names);
    return only;
  }

  /**
   * One request. @throws {ApprovalAskedError} ERR_APPROVAL_ASKED, and what the signer refuses with, by its own code.
   */
  async call<Answer>(
    route: AdminRouteName,
    asked: AdminRequest = {},
    options: AbortOptions = {},
  ): Promise<Answer> {
    const answer = await this.#client.call(route, asked, options);
    if (isApproval(answer)) throw new ApprovalAskedError(answer);
    return answer as Answer;
  }

  /**
   * An act on one validator. Where the signer wants a confirmation that was not given, a person at a
   * terminal may type the validator's name.
   *
   * @throws {AdminRefusedError} ERR_CONFIRMATION_REQUIRED without one
   */
  async act<Answer>(
    route: AdminRouteName,
    flags: DaemonFlags,
    body: Readonly<Record<string, unknown>> = {},
    timeoutMs?: number,
  ): Promise<Answer> {
    const validator = await this.chosen(flags.validator);
    const { confirm, approval } = flags;
    const ask = (confirmed: string | undefined): Promise<Answer> =>
      this.call<Answer>(route, {
        params: { validator },
        body: {
          ...body,
          ...(confirmed === undefined ? {} : { confirm: confirmed }),
          ...(approval === undefined ? {} : { approval }),
        },
        timeoutMs,
      });
    try {
      return await ask(confirm);
    } catch (error) {
      const isUnconfirmed =
        errorCode(error) === 'ERR_CONFIRMATION_REQUIRED' && confirm === undefined;
      const { ask: question, note } = this.#context;
      if (!isUnconfirmed || question === undefined || !(error instanceof Error)) throw error;
      note(error.message);
      const typed = await question(`Type ${validator} to go on: `);
      if (typed !== validator) throw error;
      return await ask(typed);
    }
  }
}

function isApproval(answer: unknown): answer is ApprovalAskedJson {
  return typeof answer === 'object' && answer !== null && 'approveWith' in answer;
}
