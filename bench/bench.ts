// `npm run bench [-- NAME ...]`: events/s and rows/s of each stage, and of the whole local stack. Ratios against a peer
// are measured in the same run; absolute numbers belong to the machine they were made on.
import { cpus } from 'node:os';
import { benchCompaction } from './compaction.js';
import { benchDevices } from './devices.js';
import { benchEvents } from './events.js';
import { benchFiles } from './files.js';
import { benchIngest } from './ingest.js';
import { benchParquet } from './parquet.js';
import { benchStack } from './stack.js';
import { benchTableAge, benchTableAgeOnAzurite } from './tableAge.js';

const benchmarks: Readonly<Record<string, (write: (line: string) => void) => Promise<void>>> = {
  events: benchEvents,
  parquet: benchParquet,
  ingest: benchIngest,
  age: benchTableAge,
  'age-azurite': benchTableAgeOnAzurite,
  compaction: benchCompaction,
  files: benchFiles,
  stack: benchStack,
  devices: benchDevices,
};

const wanted = process.argv.slice(2);
if (wanted.includes('--help') || wanted.some((name) => !(name in benchmarks))) {
  console.log(
    `Usage: npm run bench [-- NAME ...]\nNames: ${Object.keys(benchmarks).join(', ')} (all when none is given).`,
  );
  process.exit(wanted.includes('--help') ? 0 : 2);
}

const [processor] = cpus();
console.log(
  `Node ${process.versions.node}, ${cpus().length} x ${processor?.model.trim() ?? 'unknown processor'}`,
);
for (const [name, run] of Object.entries(benchmarks)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(`\n== ${name}`);
  await run((line) => console.log(line));
}
