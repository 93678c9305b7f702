// Pure. A user's definition -> a checked Pipeline with every default filled in.
import { readAlerts } from './alerts.js';
import { readConnection, readEventHub } from './eventHubs.js';
import { readFields } from './fields.js';
import { readFiles } from './files.js';
import { describeValue, Problems } from './problems.js';
import { readSchedule } from './schedule.js';
import { chosen, Section } from './section.js';
import { PathRegister } from './sourcePaths.js';
import type { Pipeline, PipelineDefinition, TimestampForm } from './types.js';
import { readWindows } from './windows.js';

const definitionKeys = [
  'source',
  'deviceId',
  'eventTime',
  'fields',
  'tables',
  'limits',
  'maintenance',
  'windows',
  'alerts',
  'files',
];
const sourceKeys = ['eventHub', 'connection', 'consumerGroup'];
const eventTimeKeys = ['from', 'forms', 'fallback', 'maxClockSkewMs'];
const limitKeys = ['maxBodyBytes', 'maxDepth', 'maxReadingsPerEvent', 'maxStringLength'];
const maintenanceKeys = ['schedule', 'vacuumSchedule', 'minimumSmallFiles', 'targetFileBytes'];
const timestampForms: readonly TimestampForm[] = ['iso', 'epochSeconds', 'epochMillis', 'epochMicros'];
const fallbacks: readonly Pipeline['eventTime']['fallback'][] = ['quarantine', 'enqueuedTime'];

const tablePresets = {
  readings: 'readings',
  quarantine: 'quarantine',
  windows: 'device_windows',
  alerts: 'device_alerts',
  lateReadings: 'late_readings',
  undeliveredAlerts: 'undelivered_alerts',
} as const;

/** Keeps a body's text well below the longest string V8 can hold. */
const mostBytes = 256 * 1024 * 1024;

/**
 * Checks everything at once, also for callers without types.
 * @throws TributaryError CONFIG_INVALID whose message lists every problem by its path, with the fix
 */
export function definePipeline(definition: PipelineDefinition): Pipeline {
  const problems = new Problems();
  const root = new Section(problems, '', definition, definitionKeys);
  const limits = readLimits(root);
  const paths = new PathRegister(problems, limits.maxDepth);
  const tables = readTables(root);
  const source = readSource(root);
  const deviceId = readDeviceId(root, paths);
  const eventTime = readEventTime(root, paths);
  const fields = readFields(problems, root.value('fields'), paths);
  const pipeline: Pipeline = {
    source,
    deviceId,
    eventTime,
    fields,
    tables,
    limits,
    maintenance: readMaintenance(root),
    windows: readWindows(problems, root, fields),
    alerts: readAlerts(root, fields, source),
    files: readFiles(root, Object.values(tables)),
  };
  problems.throwIfAny();
  return pipeline;
}

function readSource(root: Section): Pipeline['source'] {
  const section = root.section('source', sourceKeys);
  const eventHub = readEventHub(section);
  const consumerGroup = section.has('consumerGroup') ? section.text('consumerGroup', 'a text') : '$Default';
  return { eventHub, connection: readConnection(section, 'EventHubs'), consumerGroup: consumerGroup ?? '' };
}

function readDeviceId(root: Section, paths: PathRegister): Pipeline['deviceId'] {
  const section = root.section('deviceId', ['from', 'maxLength']);
  return {
    from: paths.read(section, 'from'),
    maxLength: section.number('maxLength', 256, { minimum: 1, maximum: 65_536, whole: true }),
  };
}

function readEventTime(root: Section, paths: PathRegister): Pipeline['eventTime'] {
  const section = root.section('eventTime', eventTimeKeys);
  return {
    from: paths.read(section, 'from'),
    forms: readForms(section),
    fallback: section.has('fallback')
      ? (section.choice('fallback', fallbacks) ?? 'quarantine')
      : 'quarantine',
    maxClockSkewMs: section.number('maxClockSkewMs', 300_000, { minimum: 0, maximum: 1e12, whole: false }),
  };
}

function readForms(section: Section): readonly TimestampForm[] {
  if (!section.has('forms')) return ['iso'];
  const values = section.list('forms', `an array of forms, as ['iso', 'epochMillis']`);
  const report = (problem: string) => section.report('forms', problem);
  if (Array.isArray(section.value('forms')) && values.length === 0)
    report('is empty; name at least one form');
  const forms = values.flatMap((value) => chosen(value, timestampForms, report) ?? []);
  const epochForms = forms.filter((form) => form !== 'iso');
  if (new Set(forms).size < forms.length) report('names a form twice; remove one of them');
  else if (epochForms.length > 1) {
    report(`has ${epochForms.join(' and ')}, but a number does not say its own unit; keep one of them`);
  }
  return forms;
}

function readTables(root: Section): Pipeline['tables'] {
  const section = root.optionalSection('tables', Object.keys(tablePresets));
  const taken = new Map<string, string>();
  const read = (key: keyof typeof tablePresets) => {
    const name = readTableName(section, key, tablePresets[key]);
    const rival = taken.get(name.toLowerCase());
    if (rival !== undefined) section.report(key, `has the name of tables.${rival}; give it one of its own`);
    taken.set(name.toLowerCase(), key);
    return name;
  };
  return {
    readings: read('readings'),
    quarantine: read('quarantine'),
    windows: read('windows'),
    alerts: read('alerts'),
    lateReadings: read('lateReadings'),
    undeliveredAlerts: read('undeliveredAlerts'),
  };
}

function readTableName(section: Section, key: string, preset: string): string {
  if (!section.has(key)) return preset;
  const name = section.text(key, 'the name of a table') ?? preset;
  if (!/^[A-Za-z0-9_-]+$/.test(name)) {
    section.report(key, `is ${describeValue(name)}; a table's name has letters, digits, "_" and "-" only`);
  }
  return name;
}

function readLimits(root: Section): Pipeline['limits'] {
  const section = root.optionalSection('limits', limitKeys);
  const limit = (key: string, preset: number, maximum: number) =>
    section.number(key, preset, { minimum: 1, maximum, whole: true });
  return {
    maxBodyBytes: limit('maxBodyBytes', 16 * 1024 * 1024, mostBytes),
    maxDepth: limit('maxDepth', 32, 1000),
    maxReadingsPerEvent: limit('maxReadingsPerEvent', 10_000, 1_000_000),
    maxStringLength: limit('maxStringLength', 65_536, mostBytes),
  };
}

function readMaintenance(root: Section): Pipeline['maintenance'] {
  const section = root.optionalSection('maintenance', maintenanceKeys);
  return {
    schedule: readSchedule(section, 'schedule', '0 */5 * * * *'),
    vacuumSchedule: readSchedule(section, 'vacuumSchedule', '0 10 3 * * *'),
    minimumSmallFiles: section.number('minimumSmallFiles', 50, { minimum: 2, maximum: 100_000, whole: true }),
    targetFileBytes: section.has('targetFileBytes') ? readTargetFileBytes(section) : undefined,
  };
}

function readTargetFileBytes(section: Section): number {
  return section.number('targetFileBytes', 64 * 1024 * 1024, {
    minimum: 1024 * 1024,
    maximum: 1024 * 1024 * 1024,
    whole: true,
  });
}
