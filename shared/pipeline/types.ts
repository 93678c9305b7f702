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

export interface PipelineDefinition {
  readonly source: SourceDefinition;
  readonly deviceId: DeviceIdDefinition;
  readonly eventTime: EventTimeDefinition;
  /** Column name -> field. Columns appear in this order after device_id and event_time. */
  readonly fields: Readonly<Record<string, FieldDefinition>>;
  readonly tables?: TablesDefinition;
  readonly limits?: LimitsDefinition;
  readonly maintenance?: MaintenanceDefinition;
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
}
