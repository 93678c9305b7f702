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
      yield cutRecords(lines, error, limits.maxBadBytes);
    }
    throw error;
  }
  yield records.push(lines.end());
  yield records.end();
}

/** A record whose fields csv-parse has still to find, or what waits behind one. */
type Pending = { readonly record: Span; readonly text: string } | Draft;

/** Joins lines to records, and names the fields of each. */
class CsvRecords {
  readonly #limits: ReadLimits;
  readonly #quote: Buffer;
  #names: readonly string[] | undefined;
  /** Lines of a record whose quote is still open. */
  #open: Span[] = [];
  #openBytes = 0;
  /** Of one chunk; csv-parse takes many records at a time far faster than one. */
  #pending: Pending[] = [];
  #pendingBytes = 0;

  constructor(limits: ReadLimits) {
    this.#limits = limits;
    this.#quote = Buffer.from(limits.csv.quote);
  }

  *push(lines: Iterable<Span>): Generator<Draft> {
    for (const line of lines) yield* this.#add(line);
    yield* this.#flush();
  }

  /** A quote that is open at the end of the file is a stray one, too. */
  *end(): Generator<Draft> {
    while (this.#open.length > 0) yield* this.#giveUpFirst('The file ends within a quoted field.');
    yield* this.#flush();
  }

  *#add(line: Span): Generator<Draft> {
    if (line.kind === 'too_large') {
      while (this.#open.length > 0) yield* this.#giveUpFirst('A line that is too long follows.');
      yield* this.#emit(this.#bad(line, 'record_too_large', tooLong(line.offset, this.#limits)));
      return;
    }
    const quoteCount = countOf(line.bytes, this.#quote);
    const isEven = quoteCount % 2 === 0;
    if (this.#open.length === 0 && isEven) {
      const record = quoteCount === 0 ? this.#plain(line) : this.#quoted(line);
      if (record !== undefined) yield* this.#emit(record);
      return;
    }
    this.#open.push(line);
    this.#openBytes += line.bytes.length + bytesPerOpenLine;
    if (this.#open.length > 1 && !isEven) yield* this.#close();
    else if (this.#openBytes > this.#limits.maxRecordBytes) {
      yield* this.#giveUpFirst(tooLong(this.#open[0]!.offset, this.#limits));
    }
  }

  /** The open lines as one record; if they are none, the quote that opened was a stray one. */
  *#close(): Generator<Draft> {
    const bytes = Buffer.concat(this.#open.flatMap((line) => [line.bytes, lineFeed]).slice(0, -1));
    const record: Span = { kind: 'whole', offset: this.#open[0]!.offset, bytes };
    const text = this.#textOf(record);
    const fields = typeof text === 'string' ? this.#parse(text) : [];
    if (typeof fields === 'string') {
      yield* this.#giveUpFirst(fields);
      return;
    }
    this.#dropOpen();
    const draft = typeof text === 'string' ? this.#named(record, fields) : text;
    if (draft !== undefined) yield* this.#emit(draft);
  }

  #dropOpen(): void {
    this.#open = [];
    this.#openBytes = 0;
  }

  /** Only the line with the open quote is bad; what follows it is read anew. */
  *#giveUpFirst(why: string): Generator<Draft> {
    const [first, ...rest] = this.#open;
    this.#dropOpen();
    if (first !== undefined) {
      const detail = `The quote that is opened at byte ${first.offset} is not closed. ${why}`;
      yield* this.#emit(this.#bad(first, 'invalid_csv', detail));
    }
    for (const line of rest) yield* this.#add(line);
  }

  /** Undefined for blank lines and the header. */
  #plain(line: Span): Draft | undefined {
    const text = this.#textOf(line);
    if (typeof text !== 'string') return text;
    if (text === '') return undefined;
    if (this.#isHeaderNext && text.includes('\r')) return this.#bad(line, 'invalid_csv', returnsOnly);
    return this.#named(line, text.split(this.#limits.csv.delimiter).map(orNull));
  }

  #quoted(line: Span): Pending | undefined {
    const text = this.#textOf(line);
    if (typeof text !== 'string') return text;
    if (!this.#isHeaderNext) return { record: line, text };
    const fields = this.#parse(text);
    return typeof fields === 'string' ? this.#bad(line, 'invalid_csv', fields) : this.#named(line, fields);
  }

  get #isHeaderNext(): boolean {
    return this.#limits.csv.header && this.#names === undefined;
  }

  #textOf(record: Span): string | BadDraft {
    const bytes = withoutReturn(record.bytes);
    const text = bytes.toString('utf8');
    if (!text.includes('\ufffd') || isUtf8(bytes)) return text;
    return this.#bad(record, 'invalid_utf8', `The record at byte ${record.offset} is not UTF-8 text.`);
  }

  /** In order: a draft waits for the records before it. */
  *#emit(record: Pending): Generator<Draft> {
    if ('kind' in record && this.#pending.length === 0) {
      yield record;
      return;
    }
    this.#pending.push(record);
    this.#pendingBytes += 'kind' in record ? record.sourceBytes : record.text.length;
    if (this.#pendingBytes > maxPendingBytes) yield* this.#flush();
  }

  *#flush(): Generator<Draft> {
    const pending = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    const texts = pending.flatMap((record) => ('kind' in record ? [] : [record.text]));
    const parsed = this.#parseAll(texts);
    let index = 0;
    for (const waiting of pending) {
      const draft = 'kind' in waiting ? waiting : this.#draftOf(waiting.record, parsed[index++]!);
      if (draft !== undefined) yield draft;
    }
  }

  #draftOf(record: Span, fields: Fields | string): Draft | undefined {
    return typeof fields === 'string'
      ? this.#bad(record, 'invalid_csv', fields)
      : this.#named(record, fields);
  }

  /** Of each record the fields, or what is wrong. One bad record among them makes csv-parse give up all. */
  #parseAll(texts: readonly string[]): readonly (Fields | string)[] {
    if (texts.length === 0) return [];
    try {
      const records = parseCsv(texts.join('\n'), this.#limits);
      if (records.length === texts.length) return records;
    } catch {
      // Told apart below: each by itself.
    }
    return texts.map((text) => this.#parse(text));
  }

  #parse(text: string): Fields | string {
    try {
      return parseCsv(text, this.#limits)[0] ?? [];
    } catch (error) {
      return `This is not CSV: ${(error as Error).message}.`;
    }
  }

  /** Undefined for the header. */
  #named(record: Span, fields: Fields): Draft | undefined {
    if (this.#isHeaderNext) {
      this.#names = namesOf(fields);
      return undefined;
    }
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
    if (this.#isHeaderNext) this.#names = [];
    const kept = Buffer.from(bytes.subarray(0, this.#limits.maxBadBytes));
    return { kind: 'bad', offset, sourceBytes: bytes.length, reason, detail, bytes: kept };
  }
}

/** @throws CsvError for the first record that is none */
function parseCsv(text: string, { csv: { delimiter, quote } }: ReadLimits): Fields[] {
  const options = {
    delimiter,
    quote,
    escape: quote,
    // Other line breaks are within quotes, or CRs that belong to a field.
    record_delimiter: '\n',
    relax_column_count: true,
  };
  // Only then an empty field may have had quotes; asking for each field is slow.
  if (text.includes(quote + quote)) {
    return parse(text, { ...options, cast: (value, { quoting }) => (quoting ? value : orNull(value)) });
  }
  const records: string[][] = parse(text, options);
  return records.map((record) => record.map(orNull));
}

const lineFeed = Buffer.from('\n');
/** Of records with quotes that wait for csv-parse. */
const maxPendingBytes = 65_536;
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
