/** What a connector, or a device, may do wrong: armed by a test, spent one answer at a time. */

/** One way to be wrong. `after` the device has carried the command out, unless it says `before`. */
export type WrongAnswer =
  /** One bit of the reply's last eight bytes is another: its MAC, in a session. */
  | { readonly kind: 'flipped-mac-bit' }
  /** `7f 0001 code`, which nobody signs, in the place of the reply. */
  | { readonly kind: 'outer-error'; readonly code: number }
  /** The reply's first bytes only, under HTTP 200. @default half of it */
  | { readonly kind: 'truncated'; readonly bytes?: number }
  /** The reply before this one again. */
  | { readonly kind: 'replayed' }
  /** Bytes that are no frame. */
  | { readonly kind: 'garbage' }
  /** HTTP 500. */
  | { readonly kind: 'http-500'; readonly when?: 'after' | 'before' }
  /** The connection ends in the middle of the reply. */
  | { readonly kind: 'closed-mid-body' }
  /** The connection ends without an answer. */
  | { readonly kind: 'closed'; readonly when?: 'after' | 'before' }
  /** No answer until the client gives up. The frames behind it are answered. */
  | { readonly kind: 'silence' }
  /** The device signs wrongly: one bit of the signature is another, the MAC is right. */
  | { readonly kind: 'wrong-signature' };

/** Which answers are to be wrong. */
export interface WrongAnswerPlan {
  readonly answer: WrongAnswer;
  /** Answers it first lets pass, of those that match. @default 0 */
  readonly skip?: number;
  /** How many are wrong then. @default 1 */
  readonly times?: number;
  /**
   * Only answers to this command: the inner one in a session. What goes wrong `before` the device
   * knows the outer one only. @default any
   */
  readonly command?: number;
}

interface ArmedPlan {
  readonly plan: WrongAnswerPlan;
  skip: number;
  times: number;
}

/** At which moment an answer goes wrong. */
export type Moment = 'after' | 'before' | 'in-device';

/** The plans that are armed; the first that matches is spent. */
export class WrongAnswers {
  #armed: ArmedPlan[] = [];

  arm(plan: WrongAnswerPlan): void {
    this.#armed.push({ plan, skip: plan.skip ?? 0, times: plan.times ?? 1 });
  }

  /** From now on everything is right. */
  clear(): void {
    this.#armed = [];
  }

  /** How many answers are still to go wrong. */
  get left(): number {
    return this.#armed.reduce((sum, { times }) => sum + times, 0);
  }

  /** What is to go wrong now with an answer to `command`, if anything. */
  take(moment: Moment, command: number): WrongAnswer | undefined {
    for (const armed of this.#armed) {
      const { answer, command: only } = armed.plan;
      if (momentOf(answer) !== moment || (only ?? command) !== command) continue;
      if (armed.skip > 0) {
        armed.skip -= 1;
        continue;
      }
      armed.times -= 1;
      if (armed.times <= 0) this.#armed = this.#armed.filter((other) => other !== armed);
      return answer;
    }
    return undefined;
  }
}

function momentOf(answer: WrongAnswer): Moment {
  if (answer.kind === 'wrong-signature') return 'in-device';
  return 'when' in answer ? (answer.when ?? 'after') : 'after';
}
