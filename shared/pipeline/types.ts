// Pure. What pipeline.ts may say. `definePipeline` checks it and fills in the defaults.

/**
 * Types a reading's field may have; they become columns of the same Delta type. Values that fit:
 * - `string`: texts, and numbers as they were written;
 * - `double`, `long`, `integer`: numbers, and texts that are a JSON number;
 * - `boolean`: true, false, and the texts "true" and "false";
 * - `timestamp`: times in one of `eventTime.forms`.
 */
export type FieldType = 'string' | 'double' | 'long' | 'integer' | 'boolean' | 'timestamp';

/**
 * Where a value comes from:
 * - `temperature` or `location.lat`: a dotted path in the reading's JSON (a dot inside a key is written `\\.`, a leading
 *   `@` as `\\@`); `battery` and `battery.level` may both be there, for devices that send a number or an object;
 * - `@key`: the event's partition key, or the Kafka record key;
 * - `@property.site`: an application property;
 * - `@header.site`: a Kafka header, whose bytes are read as UTF-8;
 * - `@system.iothub-enqueuedtime`: a system property of the broker.
 */
export type SourcePath = string;

/**
 * Multiplies the values of some devices, e.g. a battery reported as a fraction into percent. Never guessed from the value.
 * Exact in decimals: 0.57 times 100 is 57. Of a field's rules the first one that names the device applies.
 */
export interface ConversionRule {
  /** Recorded in the row's `_rules` column, so that every changed value can be traced. */
  readonly name: string;
  /** The rule applies to device ids that match; `*` stands for any characters. */
  readonly devices: string | readonly string[];
  readonly multiplyBy: number;
}

export interface FieldDefinition {
  readonly type: FieldType;
  /** For people and dashboards, e.g. `celsius`. Goes to the column's comment. */
  readonly unit?: string;
  readonly description?: string;
  /** Inclusive bounds, checked after conversion. A value outside goes to `_rescued_data` (or quarantine when required). */
  readonly range?: readonly [minimum: number, maximum: number];
  /** A reading without a usable value goes to quarantine. Default false. */
  readonly required?: boolean;
  /** First path that has a value wins; the body's values at later paths go to `_rescued_data`. Default: the field's name. */
  readonly from?: SourcePath | readonly SourcePath[];
  readonly conversions?: readonly ConversionRule[];
}

/**
 * How a timestamp may be written:
 * - `iso`: ISO 8601 with or without fraction (up to nine digits, cut to microseconds) and zone (none = UTC);
 * - `epochSeconds` (fraction allowed), `epochMillis`, `epochMicros`: numbers, or strings of digits.
 */
export type TimestampForm = 'iso' | 'epochSeconds' | 'epochMillis' | 'epochMicros';

export interface DeviceIdDefinition {
  readonly from: SourcePath | readonly SourcePath[];
  /** Default 256 characters. */
  readonly maxLength?: number;
}

export interface EventTimeDefinition {
  readonly from: SourcePath | readonly SourcePath[];
  /**
   * Forms taken. At most one of the epoch forms, since a number does not say its own unit. Default ['iso'].
   */
  readonly forms?: readonly TimestampForm[];
  /** What a reading without a usable time gets. Default `quarantine`. */
  readonly fallback?: 'quarantine' | 'enqueuedTime';
  /** Readings further ahead of their enqueue time than this go to quarantine. Default 300_000 (5 minutes). */
  readonly maxClockSkewMs?: number;
}

export interface SourceDefinition {
  /** Event hub name (for IoT Hub: the Event Hub-compatible name). */
  readonly eventHub: string;
  /** App setting (or prefix of `__fullyQualifiedNamespace`) with the connection. Default `EventHubs`. */
  readonly connection?: string;
  /** Default `$Default`. */
  readonly consumerGroup?: string;
}

export interface LimitsDefinition {
  /** After decompression. Default 16 MiB. */
  readonly maxBodyBytes?: number;
  /** Nesting of a body's JSON. Default 32. */
  readonly maxDepth?: number;
  /** Readings in one event's array. Default 10,000. */
  readonly maxReadingsPerEvent?: number;
  /** Characters of one string value; a longer one goes to `_rescued_data`. Default 65,536. */
  readonly maxStringLength?: number;
}

export interface TablesDefinition {
  /** Default `readings`. */
  readonly readings?: string;
  /** Default `quarantine`. */
  readonly quarantine?: string;
  /** Default `device_windows`. */
  readonly windows?: string;
  /** Default `device_alerts`. */
  readonly alerts?: string;
  /** Default `late_readings`. */
  readonly lateReadings?: string;
  /** Alerts that a webhook did not take. Default `undelivered_alerts`. */
  readonly undeliveredAlerts?: string;
}

export interface MaintenanceDefinition {
  /**
   * When small files are merged, checkpoints written and the log shortened: NCRONTAB with six fields, or `%SETTING%`.
   * Default every five minutes.
   */
  readonly schedule?: string;
  /** When files that no version within the retention needs are deleted. Default once a day, at 03:10. */
  readonly vacuumSchedule?: string;
  /** Small files that must have gathered before they are merged. Default 50. */
  readonly minimumSmallFiles?: number;
  /** Size that files should have. Default that of the table (`delta.targetFileSize`), or 64 MiB. */
  readonly targetFileBytes?: number;
}

/**
 * What happens to a window's values, in the words of Structured Streaming:
 * - `append`: one row in the windows table, once, when the window has closed;
 * - `update`: that, and the current values of open windows in the latest-state table at each publish;
 * - `complete`: as `update`, and closed windows stay in the latest-state table.
 */
export type WindowOutput = 'append' | 'update' | 'complete';

/** Windows are half open, `[start, end)`, aligned to 1970-01-01T00:00Z, and kept for each device by itself. */
export type WindowDefinition =
  /** Each reading in one window. `offsetMs` shifts the alignment. */
  | {
      readonly kind: 'tumbling';
      readonly sizeMs: number;
      readonly offsetMs?: number;
      readonly output?: WindowOutput;
    }
  /** A window begins every `slideMs`, which is at most `sizeMs`: a reading is in each window that spans it. */
  | {
      readonly kind: 'sliding';
      readonly sizeMs: number;
      readonly slideMs: number;
      readonly offsetMs?: number;
      readonly output?: WindowOutput;
    }
  /** Readings less than `gapMs` apart; it ends `gapMs` after its last one. Never grows beyond `maxSizeMs`, default 24 hours. */
  | {
      readonly kind: 'session';
      readonly gapMs: number;
      readonly maxSizeMs?: number;
      readonly output?: WindowOutput;
    };

export interface WindowsDefinition {
  /** Name -> window; the name is the row's `window_name`. May be empty: alerts need no windows. */
  readonly definitions?: Readonly<Record<string, WindowDefinition>>;
  /** Number fields that are aggregated. Default: all of type double, long and integer. */
  readonly metrics?: readonly string[];
  /** A reading at most this much older than its device's newest one still counts. Default 300_000 (5 minutes). */
  readonly allowedLatenessMs?: number;
  /**
   * The event time of a device that has been silent for this long goes on with the clock, so that its windows close.
   * Default 600_000 (10 minutes).
   */
  readonly idleTimeoutMs?: number;
  /** Durable entities that the devices are spread over. Fixed once there is state. Default 16, at most 1,024. */
  readonly shards?: number;
  /**
   * What the state of one shard may grow to. From five eighths of it on no new device is taken in, from three quarters on no reading
   * that needs more (they go to quarantine, `shard_full`); ingest waits while results beyond the last quarter wait in it. Default
   * 1_048_576, which every Durable backend takes.
   */
  readonly maxShardBytes?: number;
  /** How often results leave the shards: NCRONTAB with six fields, or `%SETTING%`. Default every ten seconds. */
  readonly publishSchedule?: string;
  /** How often a device's latest values go to the latest-state table. Default 60_000; 0 turns it off. */
  readonly latestStateIntervalMs?: number;
}

export type AlertComparison = '>' | '>=' | '<' | '<=' | '==' | '!=';

/** From harmless to urgent. */
export type AlertSeverity = 'INFO' | 'WARNING' | 'CRITICAL';

export interface AlertRule {
  /** The alert's type, e.g. `CRITICAL_TEMPERATURE`. */
  readonly name: string;
  /** Of the rules of one group the first that matches wins; groups are independent. Default: the field's name. */
  readonly group?: string;
  readonly when: {
    readonly field: string;
    readonly is: AlertComparison;
    readonly threshold: number;
    /**
     * Hysteresis: once raised, the alert holds until the value is beyond this on the good side, e.g. raised above 35,
     * cleared at 33 or below. Default: cleared as soon as the comparison is false.
     */
    readonly clearAt?: number;
  };
  readonly severity: AlertSeverity;
  /** `{name}` stands for that field's value, `{device}` for the device id. */
  readonly message: string;
  /** The condition must hold this long (event time) before the alert is raised. Emission `transitions` only. */
  readonly forMs?: number;
  /** The condition must hold for this many readings in a row. Emission `transitions` only. */
  readonly forCount?: number;
  /** After the group was resolved, it is not raised again for this long (event time). Emission `transitions` only. */
  readonly cooldownMs?: number;
}

/** Raised when a device that has sent something falls silent; resolved by its next reading. */
export interface SilenceRule {
  readonly name: string;
  readonly silentForMs: number;
  readonly severity: AlertSeverity;
  /** `{device}` and `{minutes}`. */
  readonly message: string;
}

export interface AlertsDefinition {
  readonly rules?: readonly AlertRule[];
  readonly silence?: SilenceRule;
  /**
   * - `transitions` (default): a row when an alert is raised, escalated, de-escalated or resolved;
   * - `every`: a row for every breaching reading, without memory.
   */
  readonly emit?: 'transitions' | 'every';
  /** Event hub that subscribers read. Default `alerts`. */
  readonly eventHub?: string;
  /** As `source.connection`. Default: that of the source. */
  readonly connection?: string;
  /** Also delivered by HTTP POST. The setting holds the secret that signs the requests. */
  readonly webhooks?: Readonly<Record<string, { readonly url: string; readonly secretSetting: string }>>;
}

/** How a stream of files deals with columns that its table lacks, in the words of Auto Loader. */
export type SchemaEvolutionMode =
  | 'addNewColumns'
  | 'addNewColumnsWithTypeWidening'
  | 'rescue'
  | 'failOnNewColumns'
  | 'none';

export interface FileStreamDefinition {
  /** Container in the storage account of `connection` where files land. Never the lake's own. */
  readonly container: string;
  /** Folder in it. Default: the whole container. */
  readonly prefix?: string;
  /**
   * Files that count. `*` stands for any characters but `/`, `**` for any; a pattern with a slash is matched below `prefix`, as in
   * `2025/**`, one without is matched with the file's name, as in `*.json`. Default: all.
   */
  readonly glob?: string;
  /** Setting with the storage account. Default `LandingStorage`. */
  readonly connection?: string;
  /** `auto` goes by the file's extension, below `.gz` and `.zst`. Default `auto`. */
  readonly format?: 'auto' | 'json' | 'ndjson' | 'csv' | 'parquet' | 'avro';
  readonly csv?: {
    /** Default true. Without one the columns are `_c0`, `_c1`, ... */
    readonly header?: boolean;
    /** One character. Default `,`. */
    readonly delimiter?: string;
    /** One character. Default `"`. */
    readonly quote?: string;
  };
  /** Target table, which nothing else writes. Default: the stream's name. */
  readonly table?: string;
  /** Path in the record -> type, e.g. `{ temperature: 'double', 'location.lat': 'double' }`; overrides inference. */
  readonly schemaHints?: Readonly<Record<string, string>>;
  /** Column -> the record's field it is filled from, e.g. `{ local_ts: 'ts' }`. */
  readonly rename?: Readonly<Record<string, string>>;
  /** Default true: types are inferred. False: every top-level value is text. */
  readonly inferColumnTypes?: boolean;
  /** Default `addNewColumns`. */
  readonly schemaEvolutionMode?: SchemaEvolutionMode;
  /** Files that were there before the stream began. Default true; counts on the first start only. */
  readonly includeExistingFiles?: boolean;
  /** A file written again under its name is loaded again. Default false. */
  readonly allowOverwrites?: boolean;
  /** Files older than this are not loaded, and their ledger rows are forgotten. At least 14 days. Default: no limit. */
  readonly maxFileAgeMs?: number;
  /** Default 1,000. With long names fewer fit: their names travel through one activity, for which some Durable backends take 1 MiB. */
  readonly maxFilesPerBatch?: number;
  /** Soft: a batch may exceed it by one file. Default 1 GiB. */
  readonly maxBytesPerBatch?: number;
  /** How often the container is listed for files whose event was lost: NCRONTAB or `%SETTING%`. Default every 10 minutes. */
  readonly backfillSchedule?: string;
  readonly cleanSource?: {
    readonly mode: 'off' | 'move' | 'delete';
    /** After the commit. Default 30 days; for `delete` at least 7 days. */
    readonly retentionMs?: number;
    /** For `move`: a folder of the same container outside `prefix`. */
    readonly moveTo?: string;
  };
}

export interface PipelineDefinition {
  readonly source: SourceDefinition;
  readonly deviceId: DeviceIdDefinition;
  readonly eventTime: EventTimeDefinition;
  /** Column name -> field. Columns appear in this order after device_id and event_time. */
  readonly fields: Readonly<Record<string, FieldDefinition>>;
  readonly tables?: TablesDefinition;
  readonly limits?: LimitsDefinition;
  readonly maintenance?: MaintenanceDefinition;
  readonly windows?: WindowsDefinition;
  readonly alerts?: AlertsDefinition;
  /** Stream name -> files that land in blob storage. */
  readonly files?: Readonly<Record<string, FileStreamDefinition>>;
}

type Complete<T> = { readonly [Key in keyof T]-?: Exclude<T[Key], undefined> };

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly unit: string | undefined;
  readonly description: string | undefined;
  readonly range: readonly [minimum: number, maximum: number] | undefined;
  readonly required: boolean;
  readonly from: readonly SourcePath[];
  readonly conversions: readonly (Omit<ConversionRule, 'devices'> & {
    readonly devices: readonly string[];
  })[];
}

/** A window with its defaults filled in; lengths in milliseconds. */
export type Window = { readonly name: string; readonly output: WindowOutput } & (
  | { readonly kind: 'tumbling'; readonly sizeMs: number; readonly offsetMs: number }
  | { readonly kind: 'sliding'; readonly sizeMs: number; readonly slideMs: number; readonly offsetMs: number }
  | { readonly kind: 'session'; readonly gapMs: number; readonly maxSizeMs: number }
);

export interface Windows extends Complete<Omit<WindowsDefinition, 'definitions'>> {
  /** Empty when the pipeline has no windows. */
  readonly definitions: readonly Window[];
}

export interface Alerts {
  /** In order; empty when the pipeline has none. */
  readonly rules: readonly (Omit<AlertRule, 'group'> & { readonly group: string })[];
  readonly silence: SilenceRule | undefined;
  readonly emit: 'transitions' | 'every';
  readonly eventHub: string;
  readonly connection: string;
  readonly webhooks: readonly {
    readonly name: string;
    readonly url: string;
    readonly secretSetting: string;
  }[];
}

export interface FileStream
  extends Complete<Omit<FileStreamDefinition, 'csv' | 'cleanSource' | 'maxFileAgeMs'>> {
  readonly name: string;
  readonly csv: Complete<NonNullable<FileStreamDefinition['csv']>>;
  readonly maxFileAgeMs: number | undefined;
  readonly cleanSource: {
    readonly mode: 'off' | 'move' | 'delete';
    readonly retentionMs: number;
    readonly moveTo: string | undefined;
  };
}

/** A checked definition with every default filled in. */
export interface Pipeline {
  readonly source: Complete<SourceDefinition>;
  readonly deviceId: { readonly from: readonly SourcePath[]; readonly maxLength: number };
  readonly eventTime: {
    readonly from: readonly SourcePath[];
    readonly forms: readonly TimestampForm[];
    readonly fallback: 'quarantine' | 'enqueuedTime';
    readonly maxClockSkewMs: number;
  };
  readonly fields: readonly Field[];
  readonly tables: Complete<TablesDefinition>;
  readonly limits: Complete<LimitsDefinition>;
  readonly maintenance: Complete<Omit<MaintenanceDefinition, 'targetFileBytes'>> & {
    readonly targetFileBytes: number | undefined;
  };
  readonly windows: Windows;
  readonly alerts: Alerts;
  readonly files: readonly FileStream[];
}
