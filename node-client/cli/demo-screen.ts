/** Puts the demo on a terminal in place, or line by line into anything else. */
import type { WriteStream } from 'node:tty';
import type { Clock } from '@privval/proto/runtime/clock';
import { type DemoStatus, demoLine, demoScreen } from './demo-view.ts';

/** Time between two lines where nothing can be drawn over. */
const LINE_PERIOD_MS = 1_000;

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';

/** A stream that may be a terminal; `columns` and `rows` are there when it is one. */
export type DemoOutput = Pick<WriteStream, 'write'> &
  Partial<Pick<WriteStream, 'isTTY' | 'columns' | 'rows'>>;

/** Where the demo shows its status. Disposing leaves the last status standing and the cursor visible. */
export interface DemoDisplay extends Disposable {
  /** Shows the status; a line-by-line display leaves most of them out unless `last`. */
  show(status: DemoStatus, last?: boolean): void;
}

/** In place on a terminal, otherwise a line each second. */
export function openDemoDisplay(deps: {
  readonly output: DemoOutput;
  readonly clock: Clock;
}): DemoDisplay {
  return deps.output.isTTY === true
    ? new ScreenDisplay(deps.output)
    : new LineDisplay(deps.output, deps.clock);
}

class LineDisplay implements DemoDisplay {
  readonly #output: DemoOutput;
  readonly #clock: Clock;
  #shownMs = Number.NEGATIVE_INFINITY;
  #last = '';

  constructor(output: DemoOutput, clock: Clock) {
    this.#output = output;
    this.#clock = clock;
  }

  show(status: DemoStatus, last = false): void {
    const nowMs = this.#clock.monotonicMs();
    if (!last && nowMs - this.#shownMs < LINE_PERIOD_MS) return;
    const line = demoLine(status);
    if (line === this.#last) return;
    this.#shownMs = nowMs;
    this.#last = line;
    this.#output.write(`${line}\n`);
  }

  [Symbol.dispose](): void {
    // Nothing was hidden.
  }
}

class ScreenDisplay implements DemoDisplay {
  readonly #output: DemoOutput;
  /** The lines on the screen, to know how many rows to go back. */
  #drawn: readonly string[] = [];

  constructor(output: DemoOutput) {
    this.#output = output;
    output.write(HIDE_CURSOR);
  }

  show(status: DemoStatus): void {
    const { columns = 80, rows = 24 } = this.#output;
    const screen = demoScreen(status);
    // One row more than the lines: the cursor stands below them.
    const lines = screen.length < rows ? screen : [demoLine(status)];
    const fitted = lines.map((line) => fit(line, columns));
    // A terminal made narrower has wrapped what was drawn: those rows are counted as they are now.
    const back = this.#drawn.reduce((sum, line) => sum + rowsOf(line, columns), 0);
    this.#output.write(`${back > 0 ? `\u001b[${back}A` : ''}\r\u001b[J${fitted.join('\n')}\n`);
    this.#drawn = fitted;
  }

  [Symbol.dispose](): void {
    this.#output.write(SHOW_CURSOR);
  }
}

/** Cut to the width: a line that wraps would shift all that is drawn over it. */
function fit(line: string, columns: number): string {
  if (line.length <= columns) return line;
  return columns <= 1 ? line.slice(0, Math.max(0, columns)) : `${line.slice(0, columns - 1)}…`;
}

function rowsOf(line: string, columns: number): number {
  return Math.max(1, Math.ceil(line.length / Math.max(1, columns)));
}
