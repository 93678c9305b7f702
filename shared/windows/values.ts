// Pure. What a window says about a device.

/** Aggregates of the readings that have the metric; all but `count` are null when none has. */
export interface MetricValues {
  readonly count: number;
  readonly sum: number | null;
  readonly avg: number | null;
  readonly min: number | null;
  readonly max: number | null;
  /** By event time; of several values at that time the smallest. */
  readonly first: number | null;
  /** By event time; of several values at that time the greatest. */
  readonly last: number | null;
  /** max - min */
  readonly range: number | null;
}

export interface WindowValues {
  /** Name of the window's definition. */
  readonly definition: string;
  readonly startMicros: number;
  /** Exclusive. */
  readonly endMicros: number;
  /** Readings in the window, with values or without. */
  readonly messageCount: number;
  /** In the order of the plan's metrics. */
  readonly metrics: readonly MetricValues[];
}

/** Whether a reading moved the watermark past the window's end, or the clock of a silent device. */
export type ClosedBy = 'watermark' | 'idle';

export interface ClosedWindow extends WindowValues {
  readonly closedBy: ClosedBy;
}
