// Pure. Schedules of timers.
import { describeValue } from './problems.js';
import type { Section } from './section.js';

/** Only the form; the host checks the fields, as it does for every timer. */
export function readSchedule(section: Section, key: string, preset: string): string {
  if (!section.has(key)) return preset;
  const schedule = section.text(key, 'a schedule') ?? preset;
  if (!/^(%[^%\s]+%|\S+( \S+){5})$/.test(schedule)) {
    const rule =
      'a schedule has six fields, as "0 */5 * * * *" (seconds first), or names a setting, as "%SCHEDULE%"';
    section.report(key, `is ${describeValue(schedule)}; ${rule}`);
  }
  return schedule;
}
