// CSV (RFC 4180) to records of strings. Records are found here, so that a stray quote costs one line and not the rest of
// the file; those with quotes in them are read by csv-parse, all others are a matter of cutting at the delimiter.
import { Buffer, isUtf8 } from 'node:buffer';
import { parse } from 'csv-parse/sync';
import { UnreadableContent } from './content.js';
import {
  type BadDraft,
  cutRecords,
  type Draft,
  type DraftSource,
  type ReadLimits,
  setMember,
} from './drafts.js';
import { LineSplitter, type Span } from './spans.js';
import type { BadRecordReason, FileValue } from './types.js';

/** Empty fields without quotes are null. */
type Fields = readonly (string | null)[];

export async function* readCsv(text: AsyncIterable<Buffer>, limits: ReadLimits): DraftSource {
  const records = new CsvRecords(limits);
  const lines = new LineSplitter(limits.maxRecordBytes, limits.maxBadBytes);
  try {
    for await (const chunk of text) yield records.push(lines.push(chunk));
  } catch (error) {
    if (error instanceof UnreadableContent) {
      yield records.end();
      yield cutRecords(lines, error);
    }
    throw error;
  }
  yield records.push(lines.end());
  yield records.end();
}

/** Joins lines to records, and names the fields of each. */
class CsvRecords {
  readonly #limits: ReadLimits;
  readonly #quote: Buffer;
  #names: readonly string[] | undefined;
  /** Lines of a record whose quote is still open. */
  #open: Span[] = [];
  #openBytes = 0;

  constructor(limits: ReadLimits) {
    this.#limits = limits;
    this.#quote = Buffer.from(limits.csv.quote);
  }

  *push(lines: Iterable<Span>): Generator<Draft> {
    for (const line of lines) yield* this.#add(line);
  }

  /** A quote that is open at the end of the file is a stray one, too. */
  *end(): Generator<Draft> {
    while (this.#open.length > 0) yield* this.#giveUpFirst('The file ends within a quoted field.');
  }

  *#add(line: Span): Generator<Draft> {
    if (line.kind === 'too_large') {
      while (this.#open.length > 0) yield* this.#giveUpFirst('A line that is too long follows.');
      yield this.#bad(line, 'record_too_large', tooLong(line.offset, this.#limits));
      return;
    }
    const quoteCount = countOf(line.bytes, this.#quote);
    if (this.#open.length === 0) {
      if (quoteCount % 2 === 0) yield* this.#record(line, quoteCount > 0);
      else this.#hold(line);
      return;
    }
    this.#hold(line);
    if (quoteCount % 2 === 1) yield* this.#close();
    else if (this.#openBytes > this.#limits.maxRecordBytes) {
      yield* this.#giveUpFirst(tooLong(this.#open[0]!.offset, this.#limits));
    }
  }

  /** The open lines as one record; if they are none, the quote that opened was a stray one. */
  *#close(): Generator<Draft> {
    const bytes = Buffer.concat(this.#open.flatMap((line) => [line.bytes, lineFeed]).slice(0, -1));
    const { offset } = this.#open[0]!;
    const [draft] = this.#record({ kind: 'whole', offset, bytes }, true);
    if (draft?.kind === 'bad' && draft.reason === 'invalid_csv') {
      yield* this.#giveUpFirst(draft.detail);
      return;
    }
    this.#drop();
    if (draft !== undefined) yield draft;
  }

  #hold(line: Span): void {
    this.#open.push(line);
    this.#openBytes += line.bytes.length + bytesPerOpenLine;
  }

  #drop(): void {
    this.#open = [];
    this.#openBytes = 0;
  }

  /** Only the line with the open quote is bad; what follows it is read anew. */
  *#giveUpFirst(detail: string): Generator<Draft> {
    const [first, ...rest] = this.#open;
    this.#drop();
    if (first !== undefined) {
      yield this.#bad(
        first,
        'invalid_csv',
        `The quote that is opened at byte ${first.offset} is not closed. ${detail}`,
      );
    }
    for (const line of rest) yield* this.#add(line);
  }

  /** None for blank lines and the header, else one. */
  #record(record: Span, hasQuotes: boolean): Draft[] {
    const bytes = withoutReturn(record.bytes);
    if (bytes.length === 0) return [];
    const text = bytes.toString('utf8');
    if (text.includes('\ufffd') && !isUtf8(bytes)) {
      return [this.#bad(record, 'invalid_utf8', `The record at byte ${record.offset} is not UTF-8 text.`)];
    }
    const fields = hasQuotes ? this.#parse(text) : text.split(this.#limits.csv.delimiter).map(orNull);
    if (typeof fields === 'string') return [this.#bad(record, 'invalid_csv', fields)];
    if (this.#names !== undefined || !this.#limits.csv.header) return [this.#named(record, fields)];
    if (!hasQuotes && text.includes('\r')) return [this.#bad(record, 'invalid_csv', returnsOnly)];
    this.#names = namesOf(fields);
    return [];
  }

  /** The fields, or what is wrong. */
  #parse(text: string): Fields | string {
    const { delimiter, quote } = this.#limits.csv;
    try {
      const [record] = parse(text, {
        delimiter,
        quote,
        escape: quote,
        // One record; its line breaks are within quotes, or CRs that belong to a field.
        record_delimiter: '\n',
        cast: (value, { quoting }) => (value === '' && !quoting ? null : value),
      }) as Fields[];
      return record ?? [];
    } catch (error) {
      return `This is not CSV: ${(error as Error).message}.`;
    }
  }

  #named(record: Span, fields: Fields): Draft {
    // Without a header there are as many columns as a record has fields.
    const names = this.#names ?? fields.map((_, index) => `_c${index}`);
    if (fields.length > names.length && fields.slice(names.length).some((field) => field !== null)) {
      const detail = `The record at byte ${record.offset} has ${fields.length} fields, but the header ${names.length}.`;
      return this.#bad(record, 'invalid_csv', detail);
    }
    const value: Record<string, FileValue> = {};
    const count = Math.min(fields.length, names.length);
    for (let index = 0; index < count; index++) setMember(value, names[index]!, fields[index]!);
    return { kind: 'record', value, offset: record.offset, sourceBytes: record.bytes.length + 1 };
  }

  #bad({ offset, bytes }: Span, reason: BadRecordReason, detail: string): BadDraft {
    // Without its header every record is bad: the next line must not be taken for one.
    if (this.#limits.csv.header) this.#names ??= [];
    const kept = Buffer.from(bytes.subarray(0, this.#limits.maxBadBytes));
    return { kind: 'bad', offset, sourceBytes: bytes.length, reason, detail, bytes: kept };
  }
}

const lineFeed = Buffer.from('\n');
/** What an open line costs beside its bytes. */
const bytesPerOpenLine = 128;
const returnsOnly = 'The header has a CR without LF: lines that end in CR only are not supported.';

function countOf(bytes: Buffer, part: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(part); at >= 0; at = bytes.indexOf(part, at + part.length)) count++;
  return count;
}

function withoutReturn(bytes: Buffer): Buffer {
  return bytes.at(-1) === 13 ? bytes.subarray(0, -1) : bytes;
}

function orNull(field: string): string | null {
  return field === '' ? null : field;
}

function tooLong(offset: number, { maxRecordBytes }: ReadLimits): string {
  return `The record at byte ${offset} is longer than ${maxRecordBytes} bytes.`;
}

/** Each name once, case aside, as columns must be: a second `a` is `a_2`, and one without a name is `_c` and its position. */
function namesOf(fields: Fields): string[] {
  const taken = new Set<string>();
  return fields.map((field, index) => {
    const name = field === null || field.trim() === '' ? `_c${index}` : field.trim();
    let unique = name;
    for (let count = 2; taken.has(unique.toLowerCase()); count++) unique = `${name}_${count}`;
    taken.add(unique.toLowerCase());
    return unique;
  });
}
