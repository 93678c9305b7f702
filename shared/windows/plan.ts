// Pure. Pipeline['windows'] compiled once, and the numbers that stand for windows and metrics in a device's state.
import { TributaryError } from '../base/index.js';
import type { Window, Windows } from '../pipeline/index.js';

/** A tumbling window is a sliding one whose windows begin where the one before ends. */
export interface SlidingShape {
  readonly kind: 'sliding';
  readonly sizeMicros: number;
  readonly slideMicros: number;
  readonly offsetMicros: number;
}

export interface SessionShape {
  readonly kind: 'session';
  readonly gapMicros: number;
  readonly maxSizeMicros: number;
}

export interface PlannedWindow {
  readonly name: string;
  readonly shape: SlidingShape | SessionShape;
  /**
   * Says the shape and the name in numbers: [0, sizeMs, slideMs, offsetMs, ...name] or [1, gapMs, maxSizeMs, ...name].
   * It is in every device's state, so that the windows of a definition that is no longer in pipeline.ts can be emitted
   * under their name. It changes with everything that decides which readings are in a window.
   */
  readonly key: readonly number[];
}

export interface WindowPlan {
  readonly metrics: readonly string[];
  readonly windows: readonly PlannedWindow[];
  /** Stand for the metrics in a device's state: 32 bits of a hash of the name. */
  readonly metricKeys: readonly number[];
  readonly allowedLatenessMicros: number;
  readonly idleTimeoutMs: number;
}

const keyKinds = { sliding: 0, session: 1 } as const;

/** Every character a definition's name may have. */
const nameCharacters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-';
const nameBase = nameCharacters.length + 1;
/** 65^8 is below 2^53. */
const charactersPerNumber = 8;

/** @throws TributaryError CONFIG_INVALID for two metrics whose names have one hash */
export function planWindows(windows: Windows): WindowPlan {
  const metricKeys = windows.metrics.map(metricKey);
  metricKeys.forEach((key, index) => {
    const rival = metricKeys.indexOf(key);
    if (rival === index) return;
    throw new TributaryError(
      'CONFIG_INVALID',
      `windows.metrics: "${windows.metrics[index]}" and "${windows.metrics[rival]}" have the same hash, by which states name them; rename one of them`,
    );
  });
  return {
    metrics: windows.metrics,
    windows: windows.definitions.map((window) => windowOfKey(keyOf(window))),
    metricKeys,
    allowedLatenessMicros: windows.allowedLatenessMs * 1000,
    idleTimeoutMs: windows.idleTimeoutMs,
  };
}

/** The inverse of a planned window's `key`, also for keys of windows that pipeline.ts no longer has. */
export function windowOfKey(key: readonly number[]): PlannedWindow {
  const [kind, ...numbers] = key;
  if (kind === keyKinds.session) {
    const [gapMs = 0, maxSizeMs = 0, ...name] = numbers;
    const shape: SessionShape = {
      kind: 'session',
      gapMicros: gapMs * 1000,
      maxSizeMicros: maxSizeMs * 1000,
    };
    return { name: unpackName(name), shape, key };
  }
  const [sizeMs = 0, slideMs = 0, offsetMs = 0, ...name] = numbers;
  const shape: SlidingShape = {
    kind: 'sliding',
    sizeMicros: sizeMs * 1000,
    slideMicros: slideMs * 1000,
    offsetMicros: offsetMs * 1000,
  };
  return { name: unpackName(name), shape, key };
}

function keyOf(window: Window): readonly number[] {
  const name = packName(window.name);
  switch (window.kind) {
    case 'tumbling':
      return [keyKinds.sliding, window.sizeMs, window.sizeMs, window.offsetMs, ...name];
    case 'sliding':
      return [keyKinds.sliding, window.sizeMs, window.slideMs, window.offsetMs, ...name];
    case 'session':
      return [keyKinds.session, window.gapMs, window.maxSizeMs, ...name];
  }
}

/** Eight characters a number, as digits 1 to 64 of base 65: a state holds no texts, which JSON would escape twice. */
function packName(name: string): readonly number[] {
  const numbers: number[] = [];
  for (let at = 0; at < name.length; at += charactersPerNumber) {
    let packed = 0;
    for (const character of name.slice(at, at + charactersPerNumber)) {
      packed = packed * nameBase + nameCharacters.indexOf(character) + 1;
    }
    numbers.push(packed);
  }
  return numbers;
}

function unpackName(numbers: readonly number[]): string {
  return numbers
    .map((packed) => {
      let text = '';
      for (let rest = packed; rest > 0; rest = Math.floor(rest / nameBase)) {
        text = nameCharacters.charAt((rest % nameBase) - 1) + text;
      }
      return text;
    })
    .join('');
}

/** FNV-1a over UTF-16 units. */
function metricKey(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) {
    hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  }
  return hash >>> 0;
}
