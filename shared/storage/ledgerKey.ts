// Pure. What every ledger checks before it asks the service.
import { TributaryError } from '../base/index.js';
import { type LedgerChange, type LedgerValues, maxLedgerChanges } from './ledger.js';

const longestPart = 512;
/** What Azure Tables refuses in keys, and lone surrogates, which no UTF-8 can carry. */
const refused = /[/\\#?\p{Cc}\p{Cs}]/u;

/** @throws TributaryError STORAGE_INVALID_PATH */
export function assertLedgerKeyPart(part: string): void {
  if (part.length > 0 && part.length <= longestPart && !refused.test(part)) return;
  throw new TributaryError(
    'STORAGE_INVALID_PATH',
    `${JSON.stringify(part.slice(0, 80))} cannot be a key: 1 to ${longestPart} characters, none of them "/", "\\", "#", "?" or a control character.`,
  );
}

/** @throws TypeError on what no caller may ask; TributaryError STORAGE_INVALID_PATH */
export function assertLedgerChanges(partition: string, changes: readonly LedgerChange[]): void {
  assertLedgerKeyPart(partition);
  for (const { row } of changes) assertLedgerKeyPart(row);
  if (changes.length === 0 || changes.length > maxLedgerChanges) {
    throw new TypeError(`${changes.length} changes at once; there must be 1 to ${maxLedgerChanges}.`);
  }
  for (const change of changes) if ('values' in change) assertNames(change.values);
  if (new Set(changes.map(({ row }) => row)).size < changes.length) {
    throw new TypeError('A row is changed twice in one go.');
  }
}

/** What rows of the service have besides their values. */
const ownNames: ReadonlySet<string> = new Set(['partitionkey', 'rowkey', 'etag', 'timestamp']);

function assertNames(values: LedgerValues): void {
  const taken = Object.keys(values).find((name) => ownNames.has(name.toLowerCase()));
  if (taken !== undefined)
    throw new TypeError(`A value cannot be called "${taken}": rows have that of their own.`);
}
