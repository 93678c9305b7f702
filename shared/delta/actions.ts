// Pure. Lines of a commit <-> actions (PROTOCOL.md "Actions"). Unknown actions and fields are ignored, as the protocol demands.
import { TributaryError } from '../base/index.js';
import { isJsonObject, type JsonObject } from './json.js';
import type { AddAction, DeletionVector, Metadata, Protocol, TransactionAction } from './types.js';

export interface RemoveAction {
  readonly path: string;
  readonly dataChange: boolean;
  readonly deletionVector?: DeletionVector;
}

export interface CommitInfo {
  readonly txnId?: string;
  readonly operation?: string;
  readonly timestamp?: number;
  readonly isBlindAppend?: boolean;
  /** Milliseconds; only in tables with in-commit timestamps. */
  readonly inCommitTimestamp?: number;
}

/** Actions of one commit, by kind; their order in the file has no meaning. */
export interface CommitActions {
  readonly protocol: Protocol | undefined;
  readonly metadata: Metadata | undefined;
  readonly adds: readonly AddAction[];
  readonly removes: readonly RemoveAction[];
  readonly transactions: readonly TransactionAction[];
  readonly commitInfo: CommitInfo | undefined;
}

/** What is wrong with an action; the caller knows in which file and line. */
export class InvalidAction extends Error {}

/** Reads the fields of one action; null counts as absent, since some writers spell out every field. */
class ActionReader {
  constructor(
    private readonly action: string,
    private readonly fields: JsonObject,
  ) {}

  text(name: string): string {
    return this.optionalText(name) ?? this.#missing(name, 'a string');
  }

  optionalText(name: string): string | undefined {
    const value = this.fields[name] ?? undefined;
    if (value === undefined || typeof value === 'string') return value;
    return this.#wrong(name, 'a string');
  }

  integer(name: string): number {
    return this.optionalInteger(name) ?? this.#missing(name, 'an integer');
  }

  /** Refuses what a JavaScript number cannot hold exactly, rather than rounding a version. */
  optionalInteger(name: string): number | undefined {
    const value = this.fields[name] ?? undefined;
    if (value === undefined || Number.isSafeInteger(value)) return value as number | undefined;
    return this.#wrong(name, 'an integer below 2^53');
  }

  flag(name: string, absent: boolean): boolean {
    const value = this.fields[name] ?? absent;
    return typeof value === 'boolean' ? value : this.#wrong(name, 'true or false');
  }

  object(name: string): JsonObject {
    const value = this.fields[name] ?? {};
    return isJsonObject(value) ? value : this.#wrong(name, 'an object');
  }

  optionalTexts(name: string): readonly string[] | undefined {
    const value = this.fields[name] ?? undefined;
    if (value === undefined) return undefined;
    const isTexts = Array.isArray(value) && value.every((item) => typeof item === 'string');
    return isTexts ? value : this.#wrong(name, 'a list of strings');
  }

  #missing(name: string, wanted: string): never {
    throw new InvalidAction(`"${this.action}" lacks ${name} (${wanted})`);
  }

  #wrong(name: string, wanted: string): never {
    throw new InvalidAction(`"${this.action}.${name}" should be ${wanted}`);
  }
}

function textValues(values: JsonObject): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]));
}

function nullableTextValues(values: JsonObject): Record<string, string | null> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, value === null ? null : String(value)]),
  );
}

function parseAdd(json: JsonObject): AddAction {
  const fields = new ActionReader('add', json);
  const stats = fields.optionalText('stats');
  const deletionVector = parseDeletionVector(fields);
  const tags = nullableTextValues(fields.object('tags'));
  return {
    path: fields.text('path'),
    partitionValues: nullableTextValues(fields.object('partitionValues')),
    size: fields.integer('size'),
    modificationTime: fields.optionalInteger('modificationTime') ?? 0,
    dataChange: fields.flag('dataChange', true),
    ...(stats === undefined ? {} : { stats }),
    ...(deletionVector === undefined ? {} : { deletionVector }),
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
  };
}

/** A struct of nulls, which some writers leave in checkpoints, is none. */
function parseDeletionVector(action: ActionReader): DeletionVector | undefined {
  const json = action.object('deletionVector');
  if (Object.values(json).every((value) => value === null)) return undefined;
  const fields = new ActionReader('deletionVector', json);
  const offset = fields.optionalInteger('offset');
  const maxRowIndex = fields.optionalInteger('maxRowIndex');
  return {
    storageType: fields.text('storageType'),
    pathOrInlineDv: fields.text('pathOrInlineDv'),
    ...(offset === undefined ? {} : { offset }),
    sizeInBytes: fields.integer('sizeInBytes'),
    cardinality: fields.integer('cardinality'),
    ...(maxRowIndex === undefined ? {} : { maxRowIndex }),
  };
}

function parseRemove(json: JsonObject): RemoveAction {
  const fields = new ActionReader('remove', json);
  const deletionVector = parseDeletionVector(fields);
  return {
    path: fields.text('path'),
    dataChange: fields.flag('dataChange', true),
    ...(deletionVector === undefined ? {} : { deletionVector }),
  };
}

function parseTransaction(json: JsonObject): TransactionAction {
  const fields = new ActionReader('txn', json);
  const lastUpdated = fields.optionalInteger('lastUpdated');
  return {
    appId: fields.text('appId'),
    version: fields.integer('version'),
    ...(lastUpdated === undefined ? {} : { lastUpdated }),
  };
}

function parseProtocol(json: JsonObject): Protocol {
  const fields = new ActionReader('protocol', json);
  const readerFeatures = fields.optionalTexts('readerFeatures');
  const writerFeatures = fields.optionalTexts('writerFeatures');
  return {
    minReaderVersion: fields.integer('minReaderVersion'),
    minWriterVersion: fields.integer('minWriterVersion'),
    ...(readerFeatures === undefined ? {} : { readerFeatures }),
    ...(writerFeatures === undefined ? {} : { writerFeatures }),
  };
}

const emptySchema = '{"type":"struct","fields":[]}';

function parseMetadata(json: JsonObject): Metadata {
  const fields = new ActionReader('metaData', json);
  const format = new ActionReader('metaData.format', fields.object('format'));
  const name = fields.optionalText('name');
  const description = fields.optionalText('description');
  const createdTime = fields.optionalInteger('createdTime');
  return {
    id: fields.text('id'),
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    format: {
      provider: format.optionalText('provider') ?? 'parquet',
      options: textValues(format.object('options')),
    },
    // Required, but Spark has written tables without a schema, and reads them.
    schemaString: fields.optionalText('schemaString') ?? emptySchema,
    partitionColumns: fields.optionalTexts('partitionColumns') ?? [],
    configuration: textValues(fields.object('configuration')),
    ...(createdTime === undefined ? {} : { createdTime }),
  };
}

/** Tolerates any JSON: nothing here decides what the table holds, but for `txnId`, which only we compare. */
function parseCommitInfo(json: JsonObject): CommitInfo {
  const { txnId, operation, timestamp, isBlindAppend, inCommitTimestamp } = json;
  return {
    ...(typeof txnId === 'string' ? { txnId } : {}),
    ...(typeof operation === 'string' ? { operation } : {}),
    ...(typeof timestamp === 'number' ? { timestamp } : {}),
    ...(typeof isBlindAppend === 'boolean' ? { isBlindAppend } : {}),
    ...(typeof inCommitTimestamp === 'number' ? { inCommitTimestamp } : {}),
  };
}

/** Takes the actions of a commit's lines or of a checkpoint's rows, one after the other. */
export interface ActionSink {
  /** @throws InvalidAction */
  collect(line: JsonObject): void;
}

/** Actions being gathered, as far as readers need them. */
export class ActionCollector implements CommitActions, ActionSink {
  protocol: Protocol | undefined;
  metadata: Metadata | undefined;
  readonly adds: AddAction[] = [];
  readonly removes: RemoveAction[] = [];
  readonly transactions: TransactionAction[] = [];
  commitInfo: CommitInfo | undefined;

  collect(line: JsonObject): void {
    const add = actionOf(line, 'add');
    const remove = actionOf(line, 'remove');
    const txn = actionOf(line, 'txn');
    const protocol = actionOf(line, 'protocol');
    const metaData = actionOf(line, 'metaData');
    if (add !== undefined) this.adds.push(parseAdd(add));
    if (remove !== undefined) this.removes.push(parseRemove(remove));
    if (txn !== undefined) this.transactions.push(parseTransaction(txn));
    if (protocol !== undefined) this.protocol = parseProtocol(protocol);
    if (metaData !== undefined) this.metadata = parseMetadata(metaData);
    if (isJsonObject(line.commitInfo)) this.commitInfo = parseCommitInfo(line.commitInfo);
  }
}

/** Null counts as absent, as in a checkpoint's rows. @throws InvalidAction for anything else that is no object */
function actionOf(line: JsonObject, name: string): JsonObject | undefined {
  const action = line[name] ?? undefined;
  if (action === undefined || isJsonObject(action)) return action;
  throw new InvalidAction(`has "${name}", which should be an object`);
}

function corrupt(path: string, lineNumber: number, problem: string): TributaryError {
  return new TributaryError(
    'DELTA_LOG_CORRUPT',
    `Line ${lineNumber} of ${path} ${problem}. The file is damaged or was not written by a Delta writer; restore it from a copy.`,
  );
}

function parseLine(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidAction('is not complete JSON');
  }
  if (!isJsonObject(value)) throw new InvalidAction('is not a JSON object');
  return value;
}

/**
 * @param path for messages
 * @returns the sink
 * @throws TributaryError DELTA_LOG_CORRUPT naming the file and the line
 */
export function parseCommit<Sink extends ActionSink>(bytes: Uint8Array, path: string, sink: Sink): Sink {
  let text: string;
  try {
    text = decodeText(bytes);
  } catch {
    throw corrupt(path, 1, 'or a later one is not UTF-8');
  }
  if (text.trim() === '') throw corrupt(path, 1, 'is missing: the file is empty');
  for (const [index, line] of linesOf(text)) {
    try {
      sink.collect(parseLine(line));
    } catch (error) {
      if (error instanceof InvalidAction) throw corrupt(path, index + 1, error.message);
      throw error;
    }
  }
  return sink;
}

function decodeText(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

/** Only \n ends a line: JSON strings may hold U+2028. */
function linesOf(text: string): [index: number, line: string][] {
  return [...text.split('\n').entries()].filter(([, line]) => line.trim() !== '');
}

/** The objects of a file with one on each line. Throws InvalidAction, or a TypeError for text that is not UTF-8. */
export function parseJsonLines(bytes: Uint8Array): JsonObject[] {
  return linesOf(decodeText(bytes)).map(([index, line]) => {
    try {
      return parseLine(line);
    } catch (error) {
      throw new InvalidAction(`line ${index + 1} ${error instanceof Error ? error.message : error}`);
    }
  });
}

/** One action a line, each line ended, as Spark writes them. */
export function serializeCommit(actions: readonly JsonObject[]): Uint8Array {
  return new TextEncoder().encode(actions.map((action) => `${JSON.stringify(action)}\n`).join(''));
}
