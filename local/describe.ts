// `npm run describe -- readings`: what a table is: columns, properties, protocol, size.
import {
  openTable,
  parseTableSchema,
  readHistory,
  type Snapshot,
  typeTextOf,
} from '../shared/delta/index.js';
import type { CommandDefinition, OptionDefinitions } from './commandLine/arguments.js';
import { exitCodes, runCommand } from './commandLine/command.js';
import { jsonOption, stateOption } from './commandLine/commonOptions.js';
import { locateUpkeepTable, tablePositional } from './lake/upkeepTable.js';
import {
  chooseStyle,
  formatBytes,
  formatCount,
  formatTimestamp,
  layoutTable,
  type TableColumn,
  visibleText,
} from './terminal/index.js';

const describeCommand = {
  invocation: 'npm run describe --',
  summary: 'Describes a Delta table of a running npm start: its columns, properties, protocol and size.',
  positionals: tablePositional,
  options: { json: jsonOption, state: stateOption },
  examples: [
    ['npm run describe -- readings', 'columns and size'],
    ['npm run --silent describe -- readings --json', 'for programs'],
  ],
} as const satisfies CommandDefinition<OptionDefinitions>;

const columns: readonly TableColumn[] = [
  { title: 'column', align: 'left' },
  { title: 'type', align: 'left' },
  { title: 'null', align: 'left' },
  { title: 'comment', align: 'left' },
];

await runCommand(describeCommand, async (options, [name = '']) => {
  const table = await locateUpkeepTable(options.state, name);
  const { snapshot } = await openTable(table);
  const [latest] = await readHistory({ ...table, limit: 1 });
  if (options.json) {
    console.log(JSON.stringify(descriptionOf(name, snapshot, latest?.timestampMs), null, 2));
    return exitCodes.done;
  }
  const style = chooseStyle(process.stdout.isTTY === true, process.env);
  for (const [title, value] of factsOf(snapshot, latest?.timestampMs))
    console.log(`${style.dim(title.padEnd(12))}${value}`);
  console.log('');
  const layout = layoutTable(columns, fieldCells(snapshot), { style });
  console.log(layout.lines.join('\n'));
  return exitCodes.done;
});

function descriptionOf(name: string, snapshot: Snapshot, lastCommitMs: number | undefined) {
  const { metadata, protocol } = snapshot;
  return {
    name,
    id: metadata.id,
    version: snapshot.version,
    rows: snapshot.totalRows ?? null,
    files: snapshot.files.size,
    bytes: snapshot.totalBytes,
    createdMs: metadata.createdTime ?? null,
    lastCommitMs: lastCommitMs ?? null,
    partitionColumns: metadata.partitionColumns,
    properties: metadata.configuration,
    protocol,
    schema: JSON.parse(metadata.schemaString) as unknown,
  };
}

function factsOf(snapshot: Snapshot, lastCommitMs: number | undefined): (readonly [string, string])[] {
  const { metadata, protocol, files, totalBytes } = snapshot;
  const features = [...new Set([...(protocol.readerFeatures ?? []), ...(protocol.writerFeatures ?? [])])];
  const time = (milliseconds: number | undefined): string =>
    milliseconds === undefined ? '?' : formatTimestamp(BigInt(Math.floor(milliseconds)) * 1000n);
  const average = files.size === 0 ? '' : `, ${formatBytes(Math.round(totalBytes / files.size))} on average`;
  return [
    ['id', metadata.id],
    ['version', `${formatCount(snapshot.version)} of ${time(lastCommitMs)}`],
    ['created', time(metadata.createdTime)],
    ['rows', snapshot.totalRows === undefined ? '?' : formatCount(snapshot.totalRows)],
    ['files', `${formatCount(files.size)}, ${formatBytes(totalBytes)}${average}`],
    ['partitions', metadata.partitionColumns.join(', ') || 'none'],
    ['protocol', `reader ${protocol.minReaderVersion}, writer ${protocol.minWriterVersion}`],
    ['features', features.join(', ') || 'none'],
    ['properties', propertiesText(metadata.configuration)],
  ];
}

function propertiesText(properties: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(properties).map(([key, value]) => visibleText(`${key}=${value}`));
  return pairs.join(', ') || 'none';
}

function fieldCells(snapshot: Snapshot): string[][] {
  return parseTableSchema(snapshot.metadata.schemaString).fields.map((entry) => {
    const { name, nullable, metadata } = entry.field;
    const type = entry.kind === 'column' ? typeTextOf(entry.field.type) : entry.field.typeText;
    const comment = typeof metadata.comment === 'string' ? metadata.comment : '';
    return [visibleText(name), visibleText(type), nullable ? '' : 'not null', visibleText(comment)];
  });
}
