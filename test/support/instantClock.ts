// A clock whose sleepers wake at once, at the time they asked for: retries with pauses run without waiting.
import type { Clock } from '../../shared/base/index.js';

export class InstantClock implements Clock {
  sleepCount = 0;

  constructor(private currentMs: number) {}

  nowMs(): number {
    return this.currentMs;
  }

  async sleep(delayMs: number): Promise<void> {
    this.sleepCount++;
    this.currentMs += delayMs;
  }

  advance(byMs: number): void {
    this.currentMs += byMs;
  }
}
