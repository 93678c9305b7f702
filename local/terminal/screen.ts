// Where frames and lines go: redraws in place on a terminal, appends elsewhere.

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number | undefined;
  on(event: 'resize', listener: () => void): unknown;
  off(event: 'resize', listener: () => void): unknown;
}

const hideCursor = '\x1b[?25l';
const showCursor = '\x1b[?25h';
const clearBelow = '\x1b[J';
const clearAll = '\x1b[2J\x1b[H';
const lineUp = (count: number) => (count === 0 ? '\r' : `\x1b[${count}A\r`);

const defaultWidth = 80;

export function terminalWidth(output: Output): number {
  return output.columns === undefined || output.columns < 20 ? defaultWidth : output.columns;
}

/** A block of lines at the bottom that is drawn over itself; `print` adds lines above it. */
export class LiveScreen {
  #drawnLines = 0;
  #resized = false;
  readonly #onResize = () => {
    this.#resized = true;
  };

  constructor(private readonly output: Output) {
    output.on('resize', this.#onResize);
    output.write(hideCursor);
  }

  draw(lines: readonly string[]): void {
    this.output.write(`${this.#erase()}${lines.map((line) => `${line}\n`).join('')}`);
    this.#drawnLines = lines.length;
  }

  /** Leaves the last frame standing and gives the cursor back. */
  close(): void {
    this.output.off('resize', this.#onResize);
    this.output.write(showCursor);
  }

  #erase(): string {
    // After a resize the old lines may have been wrapped anew: nobody knows where the frame began.
    const erase = this.#resized ? clearAll : `${lineUp(this.#drawnLines)}${clearBelow}`;
    this.#resized = false;
    return erase;
  }
}
