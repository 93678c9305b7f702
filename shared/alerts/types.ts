// Pure. What goes into the rules and what comes out.
import type { AlertSeverity } from '../pipeline/index.js';

export interface AlertReading {
  /** Microseconds UTC. */
  readonly eventTimeMicros: number;
  /** values[i] belongs to the plan's fieldNames[i]; never NaN. */
  readonly values: readonly (number | null)[];
  readonly source: string;
  readonly partition: string;
  readonly sequenceNumber: number;
  /** Position in the event's body. */
  readonly index: number;
}

/** `breach` in the emission mode `every`, the others in the mode `transitions`. */
export type AlertTransition = 'breach' | 'raised' | 'escalated' | 'deescalated' | 'resolved';

export interface Alert {
  /** 32 hexadecimal digits. The same input gives the same id, in any process; subscribers drop repeated ones. */
  readonly id: string;
  readonly transition: AlertTransition;
  readonly rule: string;
  readonly group: string;
  readonly severity: AlertSeverity;
  readonly message: string;
  /** Null for silence, and for a rule that the pipeline no longer has. */
  readonly field: string | null;
  readonly value: number | null;
  readonly threshold: number | null;
  /** Of the reading. Of silence: of the last reading, and the time until silence is reported. */
  readonly eventTimeMicros: number;
  /** When the group's alert was raised, whatever it escalated to since. Null for a breach. */
  readonly openedAtMicros: number | null;
  /** By the plan's fieldNames; all null where no reading caused the alert. */
  readonly values: readonly (number | null)[];
  /** The reading was older than one evaluated before it: it is reported as raised and resolved at once. */
  readonly outOfOrder: boolean;
  /** The coordinates of the reading; null where none caused the alert. */
  readonly source: string | null;
  readonly partition: string | null;
  readonly sequenceNumber: number | null;
  readonly index: number | null;
}

export interface OpenAlert {
  readonly rule: string;
  readonly group: string;
  readonly severity: AlertSeverity;
  /** Null for silence. */
  readonly field: string | null;
  readonly openedAtMicros: number;
}
