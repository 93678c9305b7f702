// Reports readings that cannot be sent, with file and line, for the first ones; counts all of them.

const reportedLines = 20;

export class BadLines {
  #count = 0;

  /** @param write gets each message, without a line end */
  constructor(private readonly write: (message: string) => void) {}

  get count(): number {
    return this.#count;
  }

  report(file: string, line: number, reason: string): void {
    this.#count += 1;
    if (this.#count <= reportedLines) this.write(`${file}:${line}: ${reason}`);
    if (this.#count === reportedLines + 1) this.write('More bad lines follow; they are only counted.');
  }
}
