// The streams of a pipeline, each opened on first use: who loads no files needs no settings for them.
import { TributaryError } from '../../base/index.js';
import type { FileStream } from '../../pipeline/index.js';
import type { LandingStore, Ledger } from '../../storage/index.js';
import { type FileStreamContext, type OpenFileStream, openFileStream } from './openFileStream.js';

export interface FileStreamsOptions extends Omit<FileStreamContext, 'ledger' | 'landing' | 'tableRoot'> {
  readonly streams: readonly FileStream[];
  /** Called until it has succeeded once. */
  readonly openLedger: () => Promise<Ledger>;
  readonly landingOf: (stream: FileStream) => LandingStore;
  /** Folder of a table in the lake. */
  readonly rootOf: (table: string) => string;
}

export class FileStreams {
  readonly #options: FileStreamsOptions;
  readonly #opened = new Map<string, Promise<OpenFileStream>>();
  #ledger: Promise<Ledger> | undefined;

  constructor(options: FileStreamsOptions) {
    this.#options = options;
  }

  /** @throws TributaryError INPUT_INVALID for a name that is none, CONFIG_INVALID, and what the options' functions throw */
  open(name: string): Promise<OpenFileStream> {
    const opening = this.#opened.get(name) ?? this.#open(name);
    this.#opened.set(name, opening);
    opening.catch(() => {
      this.#ledger = undefined;
      this.#opened.delete(name); // the caller gets the error; the next one tries again
    });
    return opening;
  }

  async #open(name: string): Promise<OpenFileStream> {
    const { streams, openLedger, landingOf, rootOf, ...context } = this.#options;
    const stream = streams.find((candidate) => candidate.name === name);
    if (stream === undefined) throw this.#unknown(name);
    this.#ledger ??= openLedger();
    const tableRoot = rootOf(stream.table);
    return openFileStream(stream, {
      ...context,
      tableRoot,
      landing: landingOf(stream),
      ledger: await this.#ledger,
    });
  }

  #unknown(name: string): TributaryError {
    const known = this.#options.streams.map((stream) => stream.name).join(', ');
    const hint = known === '' ? 'pipeline.ts has none under "files".' : `There are: ${known}.`;
    return new TributaryError('INPUT_INVALID', `There is no stream of files called "${name}". ${hint}`);
  }
}
