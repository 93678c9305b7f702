// Files whose events come at the same time are entered in the ledger together: while one change is under way, the next ones gather.

/** Resolves once the file is dealt with. @returns for each file, in its order, what became of it */
export type EnterTogether<File, Result> = (files: readonly File[]) => Promise<readonly Result[]>;

interface Entry<File, Result> {
  readonly file: File;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

export class EntryGroups<File, Result> {
  readonly #enter: EnterTogether<File, Result>;
  #gathered: Entry<File, Result>[] = [];
  #isBusy = false;

  constructor(enter: EnterTogether<File, Result>) {
    this.#enter = enter;
  }

  /** Fails with what its group failed with. */
  add(file: File): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#gathered.push({ file, resolve, reject });
      if (!this.#isBusy) void this.#enterGathered();
    });
  }

  async #enterGathered(): Promise<void> {
    this.#isBusy = true;
    while (this.#gathered.length > 0) {
      const group = this.#gathered;
      this.#gathered = [];
      try {
        const results = await this.#enter(group.map(({ file }) => file));
        for (const [index, { resolve }] of group.entries()) resolve(results[index]!);
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#isBusy = false;
  }
}
