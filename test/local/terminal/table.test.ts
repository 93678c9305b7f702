import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { layoutTable, type TableColumn } from '../../../local/terminal/table.js';

const columns: readonly TableColumn[] = [
  { title: 'device_id', align: 'left', minimumWidth: 6 },
  { title: 'temperature', align: 'right' },
  { title: 'body', align: 'left', minimumWidth: 6 },
];
const rows = [
  ['device_1', '21.5', '{"deviceId":"device_1"}'],
  ['sensor-001', '-3', 'null'],
];

describe('a table', () => {
  it('aligns its columns by their widest cell', () => {
    assert.deepEqual(layoutTable(columns, rows).lines, [
      'device_id   temperature  body',
      'device_1           21.5  {"deviceId":"device_1"}',
      'sensor-001           -3  null',
    ]);
  });

  it('cuts the widest text first, and never a number, until it fits', () => {
    const { lines, omitted } = layoutTable(columns, rows, { width: 34 });
    assert.deepEqual(lines, [
      'device_id  temperature  body',
      'device_1          21.5  {"deviceI…',
      'sensor-0…           -3  null',
    ]);
    assert.deepEqual(omitted, []);
    for (const line of lines) assert.ok(line.length <= 34, line);
  });

  it('leaves out columns on the right when cutting is not enough, and names them', () => {
    const { lines, omitted } = layoutTable(columns, rows, { width: 20 });
    assert.deepEqual(lines, ['device…  temperature', 'device…         21.5', 'sensor…           -3']);
    assert.deepEqual(omitted, ['body']);
  });

  it('shows its first column however narrow the terminal is', () => {
    assert.deepEqual(layoutTable(columns, rows, { width: 4 }).lines, ['dev…', 'dev…', 'sen…']);
  });

  it('cuts a cell at its column maximum even where there is room', () => {
    const narrow: readonly TableColumn[] = [{ title: 'body', align: 'left', maximumWidth: 5 }];
    assert.deepEqual(layoutTable(narrow, [['abcdefgh']]).lines, ['body', 'abcd…']);
  });

  it('prints its titles when there are no rows', () => {
    assert.deepEqual(layoutTable(columns, []).lines, ['device_id  temperature  body']);
  });
});
