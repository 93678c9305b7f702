// Pure. What columns are called inside data files, statistics and partition values (PROTOCOL.md "Column Mapping").
import type { TableColumn } from './tableTypes.js';
import type { Metadata, Protocol } from './types.js';

export type MappingMode = 'none' | 'name' | 'id';

/** The property counts only where the protocol has the feature. */
export function mappingModeOf(protocol: Protocol, metadata: Metadata): MappingMode {
  const mode = metadata.configuration['delta.columnMapping.mode'];
  const isSupported =
    protocol.minReaderVersion === 2 || (protocol.readerFeatures?.includes('columnMapping') ?? false);
  return isSupported && (mode === 'name' || mode === 'id') ? mode : 'none';
}

/** The name in data files, statistics and partition values. */
export function physicalName(column: TableColumn, mode: MappingMode): string {
  const name = column.metadata['delta.columnMapping.physicalName'];
  return mode !== 'none' && typeof name === 'string' ? name : column.name;
}

/** The Parquet `field_id`; undefined when the column has none. */
export function columnId(column: TableColumn): number | undefined {
  const id = column.metadata['delta.columnMapping.id'];
  return typeof id === 'number' ? id : undefined;
}
