// A stream of files with everything in memory: a sender puts files, loaders come and go.

import type { FileStreamContext } from '../../shared/autoloader/index.js';
import { type OpenFileStream, openFileStream } from '../../shared/autoloader/index.js';
import { type Random, seededRandom, silentLogger } from '../../shared/base/index.js';
import { openTable, type Snapshot, scanTable } from '../../shared/delta/index.js';
import type { DataBatch, DataField, DataValues } from '../../shared/parquet/index.js';
import { definePipeline, type FileStream, type FileStreamDefinition } from '../../shared/pipeline/index.js';
import {
  createMemoryLanding,
  createMemoryLedger,
  createMemoryStore,
  type LandingStore,
  type Ledger,
  type ObjectStore,
} from '../../shared/storage/index.js';
import { InstantClock } from './instantClock.js';

export const startMs = 1_700_000_000_000;

export type Cell = unknown;
export type TableRow = Readonly<Record<string, Cell>>;

export function streamOf(definition: Partial<FileStreamDefinition> = {}, name = 'landed'): FileStream {
  const { files } = definePipeline({
    source: { eventHub: 'hub' },
    deviceId: { from: 'id' },
    eventTime: { from: 'time' },
    fields: { temperature: { type: 'double' } },
    files: { [name]: { container: 'input-files', ...definition } },
  });
  return files[0]!;
}

export interface Stores {
  readonly lake: ObjectStore;
  readonly ledger: Ledger;
  readonly landing: LandingStore;
}

export class FileWorld {
  readonly clock = new InstantClock(startMs);
  readonly lake = createMemoryStore(this.clock);
  readonly ledger = createMemoryLedger();
  readonly landing = createMemoryLanding(this.clock);

  constructor(
    readonly stream: FileStream = streamOf(),
    private readonly limits: NonNullable<FileStreamContext['limits']> = {},
    private readonly random: Random = seededRandom(7),
  ) {}

  /** As a process that has just started. @param stores what it sees instead of the world's own */
  open(stores: Partial<Stores> = {}, stream = this.stream): OpenFileStream {
    const { clock, random, lake, ledger, landing, limits } = this;
    return openFileStream(stream, {
      ...{ clock, random, lake, ledger, landing, limits, logger: silentLogger },
      ...stores,
      tableRoot: `tables/${stream.table}`,
      quarantineRoot: 'tables/quarantine',
    });
  }

  put(path: string, content: string | Uint8Array): void {
    this.landing.put(path, typeof content === 'string' ? new TextEncoder().encode(content) : content);
  }

  putJson(path: string, ...records: readonly unknown[]): void {
    this.put(path, records.map((record) => JSON.stringify(record)).join('\n'));
  }

  snapshot(table = this.stream.table): Promise<Snapshot> {
    return openTable({ store: this.lake, root: `tables/${table}`, clock: this.clock }).then(
      (reader) => reader.snapshot,
    );
  }

  /** In the order of file and row. */
  async rows(table = this.stream.table): Promise<TableRow[]> {
    const rows = await tableRows(this.lake, `tables/${table}`, await this.snapshot(table));
    return rows.sort((left, right) => compare(identityOf(left), identityOf(right)));
  }

  /** `path#row` of every row. */
  async identities(): Promise<string[]> {
    return (await this.rows()).map(identityOf);
  }
}

/** A landing store some of whose methods are replaced. */
export function landingWith(landing: LandingStore, replaced: Partial<LandingStore>): LandingStore {
  return {
    list: (prefix) => landing.list(prefix),
    head: (path) => landing.head(path),
    read: (version, range) => landing.read(version, range),
    move: (version, target) => landing.move(version, target),
    delete: (version) => landing.delete(version),
    ...replaced,
  };
}

export function identityOf(row: TableRow): string {
  const [path, number] = [row._file_path ?? row._partition, row._file_row ?? row._index];
  return `${String(path)}#${String(number).padStart(6, '0')}`;
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Every live row with columns of every type: structs as objects, lists as arrays, null where there is no value. */
export async function tableRows(store: ObjectStore, root: string, snapshot: Snapshot): Promise<TableRow[]> {
  const rows: TableRow[] = [];
  for await (const batch of scanTable({ store, root, snapshot })) rows.push(...plainRows(batch));
  return rows;
}

function plainRows({ rowCount, fields, columns }: DataBatch): TableRow[] {
  return Array.from({ length: rowCount }, (_, row) =>
    Object.fromEntries(fields.map((field, index) => [field.name, plain(columns[index]!, field, row)])),
  );
}

function plain(values: DataValues, { type }: DataField, row: number): Cell {
  if ('validity' in values && values.validity?.[row] === 0) return null;
  switch (values.kind) {
    case 'text':
    case 'bytes':
      return values.values[row];
    case 'numbers':
      return type === 'boolean' ? values.values[row] !== 0 : values.values[row];
    case 'decimals':
      return decimalText(BigInt(values.values[row]!), type);
    case 'struct': {
      if (typeof type !== 'object' || type.kind !== 'struct') throw new Error('a struct without fields');
      const { fields } = type;
      return Object.fromEntries(
        values.children.map((child, index) => [fields[index]!.name, plain(child, fields[index]!, row)]),
      );
    }
    case 'list': {
      if (typeof type !== 'object' || type.kind !== 'list') throw new Error('a list without a type');
      const [start = 0, end = 0] = values.offsets.subarray(row, row + 2);
      return Array.from({ length: end - start }, (_, at) => plain(values.element, type.element, start + at));
    }
    default:
      return null;
  }
}

function decimalText(unscaled: bigint, type: DataField['type']): string {
  const scale = typeof type === 'object' && type.kind === 'decimal' ? type.scale : 0;
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const point = digits.length - scale;
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, point)}${scale > 0 ? `.${digits.slice(point)}` : ''}`;
}
