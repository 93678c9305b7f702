// Pure. Aligned tables that fit a terminal: long text is cut first, then columns on the right are left out and named.
import { plainStyle, type Style } from './style.js';
import { cutToWidth, displayWidth, padToWidth } from './text.js';

export interface TableColumn {
  readonly title: string;
  readonly align: 'left' | 'right';
  /** Cells may be cut down to this many columns. Without it they are never cut (half a number misleads). */
  readonly minimumWidth?: number;
  /** A cell longer than this is cut even where there is room. */
  readonly maximumWidth?: number;
}

export interface TableLayout {
  readonly lines: readonly string[];
  /** Titles of the columns for which there was no room. */
  readonly omitted: readonly string[];
}

export interface TableOptions {
  /** Columns of the terminal; undefined for no limit. */
  readonly width?: number | undefined;
  readonly style?: Style;
}

const gap = '  ';

/** @param rows cells free of control characters (see visibleText), one per column */
export function layoutTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): TableLayout {
  const style = options.style ?? plainStyle;
  const wanted = columns.map((column, index) => wantedWidth(column, rows, index));
  const widths = fitWidths(columns, wanted, options.width ?? Number.POSITIVE_INFINITY);
  const shown = columns.slice(0, widths.length);
  const line = (cells: readonly string[]) =>
    shown
      .map((column, index) => {
        const width = widths[index] ?? 0;
        return padToWidth(cutToWidth(cells[index] ?? '', width), width, column.align);
      })
      .join(gap)
      .trimEnd();
  return {
    lines: [style.bold(line(shown.map((column) => column.title))), ...rows.map(line)],
    omitted: columns.slice(widths.length).map((column) => column.title),
  };
}

function wantedWidth(column: TableColumn, rows: readonly (readonly string[])[], index: number): number {
  let width = displayWidth(column.title);
  for (const row of rows) width = Math.max(width, displayWidth(row[index] ?? ''));
  return Math.min(width, column.maximumWidth ?? width);
}

/** Widths of the leading columns that fit; at least one column is always shown. */
function fitWidths(columns: readonly TableColumn[], wanted: readonly number[], available: number): number[] {
  for (let count = columns.length; count > 1; count--) {
    const widths = wanted.slice(0, count);
    if (shrinkToFit(columns, widths, available)) return widths;
  }
  return [Math.min(wanted[0] ?? 0, available)];
}

/** Takes from the widest column that may shrink until the row fits; false when it cannot. */
function shrinkToFit(columns: readonly TableColumn[], widths: number[], available: number): boolean {
  let excess = totalWidth(widths) - available;
  while (excess > 0) {
    const widest = widestShrinkable(columns, widths);
    if (widest === undefined) return false;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess -= 1;
  }
  return true;
}

function widestShrinkable(columns: readonly TableColumn[], widths: readonly number[]): number | undefined {
  let widest: number | undefined;
  for (let index = 0; index < widths.length; index++) {
    const column = columns[index];
    const width = widths[index] ?? 0;
    if (column?.minimumWidth === undefined) continue;
    if (width <= column.minimumWidth) continue;
    if (widest === undefined || width > (widths[widest] ?? 0)) widest = index;
  }
  return widest;
}

function totalWidth(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + gap.length * Math.max(0, widths.length - 1);
}
