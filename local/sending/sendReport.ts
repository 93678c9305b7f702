// Pure. What `npm run send` says at the end.

import { formatBytes, formatCount, formatDuration } from '../terminal/quantities.js';
import type { SendCounts } from './sendQueue.js';

export interface SendReport extends SendCounts {
  readonly hub: string;
  readonly badLines: number;
  readonly elapsedMs: number;
}

export function reportLines(report: SendReport): string[] {
  const { events, readings, bytes, hub, elapsedMs, badLines, withoutDevice } = report;
  const partitions = [...report.eventsByPartition]
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([partition, count]) => `${partition}: ${formatCount(count)}`)
    .join(', ');
  return [
    `Sent ${plural(readings, 'reading')} in ${plural(events, 'event')} (${formatBytes(bytes)}) to "${hub}" in ${formatDuration(elapsedMs)}.`,
    ...(partitions === '' ? [] : [`Events by partition: ${partitions}.`]),
    ...(withoutDevice === 0
      ? []
      : [`${plural(withoutDevice, 'reading')} had no device id; name its place with --device-key.`]),
    ...(badLines === 0 ? [] : [`Not sent: ${plural(badLines, 'bad reading')}.`]),
  ];
}

function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}
