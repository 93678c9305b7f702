// Pure. Which names of a record may become columns.

/** Columns that the loader fills itself. */
export const lineageColumns = [
  '_rescued_data',
  '_file_path',
  '_file_modified',
  '_file_row',
  '_ingest_time',
] as const;

/** Delta refuses these characters in names without column mapping (PROTOCOL.md "Column Mapping"). */
const refused = /[ ,;{}()\n\t=]/;

const longestName = 255;

/** False for a name that no column can have: its values go to `_rescued_data`. */
export function isColumnName(name: string): boolean {
  return name !== '' && name.length <= longestName && !refused.test(name) && !/\p{Cs}/u.test(name);
}

export function isLineageColumn(name: string): boolean {
  return (lineageColumns as readonly string[]).includes(name.toLowerCase());
}

/** The field that fills a column. Names such as `constructor` are on every object. */
export function fieldOf(column: string, rename: Readonly<Record<string, string>>): string {
  return (Object.hasOwn(rename, column) ? rename[column] : undefined) ?? column;
}
