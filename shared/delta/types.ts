// Pure. The shapes of a Delta table's log (PROTOCOL.md "Actions") and of what callers hand to the writer.
import type { DataBatch, DataType } from '../parquet/index.js';
import type { TableColumn } from './tableTypes.js';

export interface StructField {
  readonly name: string;
  /** Fields inside structs, elements, keys and values have no metadata here. */
  readonly type: DataType;
  readonly nullable: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface StructType {
  readonly type: 'struct';
  readonly fields: readonly StructField[];
}

/** Which rows of a data file are deleted, and where that is written down (PROTOCOL.md "Deletion Vectors"). */
export interface DeletionVector {
  /** `u`: a file named by a UUID, `p`: a file named by its absolute path, `i`: inline. */
  readonly storageType: string;
  readonly pathOrInlineDv: string;
  /** Of the vector in its file. */
  readonly offset?: number;
  readonly sizeInBytes: number;
  /** Rows that are deleted. */
  readonly cardinality: number;
  readonly maxRowIndex?: number;
}

/** One data file that is part of the table. */
export interface AddAction {
  /** As in the log: URI-encoded, relative to the table's root. */
  readonly path: string;
  readonly partitionValues: Readonly<Record<string, string | null>>;
  readonly size: number;
  readonly modificationTime: number;
  readonly dataChange: boolean;
  /** JSON text. */
  readonly stats?: string;
  readonly deletionVector?: DeletionVector;
  /** Of other engines; the file's `remove` has them, too. */
  readonly tags?: Readonly<Record<string, string | null>>;
}

export interface TransactionAction {
  readonly appId: string;
  readonly version: number;
  readonly lastUpdated?: number;
}

export interface Protocol {
  readonly minReaderVersion: number;
  readonly minWriterVersion: number;
  readonly readerFeatures?: readonly string[];
  readonly writerFeatures?: readonly string[];
}

export interface Metadata {
  readonly id: string;
  readonly name?: string;
  readonly description?: string;
  readonly format: { readonly provider: string; readonly options: Readonly<Record<string, string>> };
  readonly schemaString: string;
  readonly partitionColumns: readonly string[];
  readonly configuration: Readonly<Record<string, string>>;
  readonly createdTime?: number;
}

/** The table at one version. Immutable to its holders. */
export interface Snapshot {
  readonly version: number;
  readonly protocol: Protocol;
  readonly metadata: Metadata;
  /** Live files, keyed by `path` and, where there is one, the deletion vector. */
  readonly files: ReadonlyMap<string, AddAction>;
  /** Committed application transaction versions by appId (PROTOCOL.md "Transaction Identifiers"). */
  readonly transactions: ReadonlyMap<string, number>;
  /** Sum of the live files' `size`. */
  readonly totalBytes: number;
  /** Sum of the live files' `numRecords` without deleted rows; undefined when a file has no statistics. */
  readonly totalRows: number | undefined;
}

export type TransactionVersions = ReadonlyMap<string, number>;

/** The table that an append is prepared for. */
export interface TableView {
  readonly version: number;
  readonly metadata: Metadata;
  readonly columns: readonly TableColumn[];
}

/** A data file that lies in the table's folder before its rows are appended: see `stageDataFile`. */
export interface StagedFile {
  readonly rowCount: number;
  readonly add: AddAction;
}

export interface PreparedAppend {
  /** May have no rows; then only files, transactions and the wider schema are committed, if there are any. */
  readonly batch: DataBatch;
  /**
   * Become part of the table in the same commit. `evolve` must have the columns that they were written with. Not for partitioned
   * tables.
   */
  readonly files?: readonly StagedFile[];
  readonly transactions: readonly TransactionAction[];
  /** Every appId whose version this decision rests on; a rival's commit of one of them makes the writer ask again. */
  readonly readAppIds: readonly string[];
  /**
   * Columns that the table is to have, which it gets in the commit of the rows: at the end, nullable, also inside structs. Columns
   * that it has besides stay, and so does the table's spelling of names.
   */
  readonly evolve?: StructType;
  /** Lets `evolve` change columns to wider types, which asks every reader for the table feature `typeWidening`. Default false. */
  readonly allowTypeWidening?: boolean;
}

/**
 * Rows waiting to be appended. The writer calls `prepare` with what the table has committed, and with the table as it is; it
 * answers with what is still missing, or undefined when nothing is. It must be pure: it is called again when a rival got in between.
 */
export interface AppendRequest {
  prepare(committed: TransactionVersions, table: TableView): PreparedAppend | undefined;
}

export type AppendResult =
  | { readonly kind: 'committed'; readonly version: number; readonly rowCount: number }
  | { readonly kind: 'alreadyCommitted'; readonly version: number };
