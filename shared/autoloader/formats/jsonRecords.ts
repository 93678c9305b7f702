// Spans of JSON text to records, for NDJSON and for documents.
import { Buffer, isUtf8 } from 'node:buffer';
import { nestsDeeper } from '../../events/index.js';
import { UnreadableContent } from './content.js';
import { type BadDraft, cutRecords, type Draft, type DraftSource, type ReadLimits } from './drafts.js';
import { parseExactJson } from './exactJson.js';
import { JsonSplitter } from './jsonSplitter.js';
import { LineSplitter, type Span, type Splitter } from './spans.js';
import { type BadRecordReason, ExactNumber, type FileObject, type FileValue } from './types.js';

export function readNdjson(text: AsyncIterable<Buffer>, limits: ReadLimits): DraftSource {
  return readSpans(text, new LineSplitter(limits.maxRecordBytes, limits.maxBadBytes), limits, (span) =>
    recordsOfLine(span, limits),
  );
}

/** One document, several after each other, or arrays, which are read element by element. */
export function readJson(text: AsyncIterable<Buffer>, limits: ReadLimits): DraftSource {
  return readSpans(text, new JsonSplitter(limits.maxRecordBytes, limits.maxBadBytes), limits, (span) => [
    recordOfSpan(span, limits),
  ]);
}

async function* readSpans(
  text: AsyncIterable<Buffer>,
  splitter: Splitter,
  limits: ReadLimits,
  recordsOf: (span: Span) => Iterable<Draft>,
): AsyncGenerator<Iterable<Draft>> {
  try {
    for await (const chunk of text) yield recordsOfSpans(splitter.push(chunk), recordsOf);
  } catch (error) {
    if (error instanceof UnreadableContent) yield cutRecords(splitter, error, limits.maxBadBytes);
    throw error;
  }
  yield recordsOfSpans(splitter.end(), recordsOf);
}

function* recordsOfSpans(
  spans: Iterable<Span>,
  recordsOf: (span: Span) => Iterable<Draft>,
): Generator<Draft> {
  for (const span of spans) {
    if (span.kind === 'open_array') yield openArray(span);
    else yield* recordsOf(span);
  }
}

function openArray({ offset, bytes }: Span): BadDraft {
  const detail = `The file ends before the array that begins at byte ${offset} does.`;
  return { kind: 'bad', offset, sourceBytes: 0, reason: 'truncated', detail, bytes, isRest: true };
}

/** A line may hold an array of records, too, as some gateways write it. Blank lines count for nothing. */
function recordsOfLine(span: Span, limits: ReadLimits): Iterable<Draft> {
  const { bytes } = span;
  if (bytes.length === 0 || (bytes[0]! <= 32 && isBlank(bytes))) return [];
  const value = valueOfSpan(span, limits);
  if (!Array.isArray(value)) return [draftOf(value, span, limits)];
  return value.map((element: FileValue) => draftOf(element, span, limits, bytes.length / value.length));
}

function recordOfSpan(span: Span, limits: ReadLimits): Draft {
  return draftOf(valueOfSpan(span, limits), span, limits);
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 32 || byte === 9 || byte === 13);
}

/** Why a span has no value. */
class Unreadable {
  constructor(
    readonly reason: BadRecordReason,
    readonly detail: string,
  ) {}
}

function draftOf(
  value: FileValue | Unreadable,
  { offset, bytes }: Span,
  limits: ReadLimits,
  sourceBytes = bytes.length,
): Draft {
  if (isFileObject(value)) return { kind: 'record', value, offset, sourceBytes };
  const { reason, detail } = value instanceof Unreadable ? value : noObject(value);
  return {
    kind: 'bad',
    offset,
    sourceBytes,
    reason,
    detail,
    bytes: Buffer.from(bytes.subarray(0, limits.maxBadBytes)),
  };
}

function isFileObject(value: FileValue | Unreadable): value is FileObject {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Unreadable) &&
    !(value instanceof ExactNumber)
  );
}

function noObject(value: FileValue): Unreadable {
  const what = Array.isArray(value) ? 'an array' : value === null ? 'null' : `a ${typeof value}`;
  return new Unreadable('not_an_object', `A record must be a JSON object, but this is ${what}.`);
}

function valueOfSpan(span: Span, limits: ReadLimits): FileValue | Unreadable {
  const { kind, offset, bytes } = span;
  if (kind === 'too_large') {
    const detail = `The record at byte ${offset} is longer than ${limits.maxRecordBytes} bytes.`;
    return new Unreadable('record_too_large', detail);
  }
  const text = bytes.toString('utf8');
  // Decoding puts U+FFFD wherever the bytes are not UTF-8; most texts have none and need no second look.
  if (text.includes('\ufffd') && !isUtf8(bytes)) {
    return new Unreadable('invalid_utf8', `The record at byte ${offset} is not UTF-8 text.`);
  }
  const value = valueOfText(text, limits);
  if (kind !== 'cut' || !(value instanceof Unreadable) || value.reason !== 'invalid_json') return value;
  return new Unreadable('truncated', `The file ends within the record at byte ${offset}. ${value.detail}`);
}

/** The value of JSON text within the bounds, or why there is none. */
export function valueOfText(text: string, limits: ReadLimits): FileValue | Unreadable {
  if (nestsDeeper(text, limits.maxDepth)) {
    return new Unreadable('too_deep', `The JSON is nested deeper than ${limits.maxDepth} levels.`);
  }
  try {
    return parseExactJson(text, limits.keepWrittenFractions);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return new Unreadable('invalid_json', `This is not JSON: ${error.message}.`);
  }
}

export { isFileObject, Unreadable };
