// Your pipeline: which readings arrive, and what the tables look like. This is the one file to edit.
// Your editor completes every key; a mistake is reported at start with the key's path and the fix.
// shared/pipeline/types.ts explains everything that can be said here.
import { definePipeline } from './shared/pipeline/index.js';

export default definePipeline({
  source: { eventHub: 'sensor-data' },

  // Devices spell things differently: the first path that has a value wins.
  deviceId: { from: ['deviceId', 'device_id'] },
  eventTime: { from: ['ts', 'timestamp', 'time'] },

  // One column each. A value that is no number, or out of range, goes to `_rescued_data` and the column is null.
  fields: {
    temperature: {
      type: 'double',
      unit: 'celsius',
      range: [-90, 150],
      from: ['temperature', 'measurements.temperature'],
    },
    humidity: {
      type: 'double',
      unit: 'percent',
      description: 'Relative humidity',
      range: [0, 100],
      from: ['humidity', 'measurements.humidity'],
    },
    pressure: {
      type: 'double',
      unit: 'hectopascal',
      range: [300, 1200],
      from: ['pressure', 'measurements.pressure'],
    },
    battery: {
      type: 'double',
      unit: 'percent',
      description: 'Charge left',
      range: [0, 100],
      from: ['battery', 'power.battery'],
      // These devices report a fraction, 0.94 for 94 %. The row's `_rules` says which values were converted.
      conversions: [{ name: 'battery_fraction_to_percent', devices: 'sensor-*', multiplyBy: 100 }],
    },
    lat: {
      type: 'double',
      unit: 'degrees',
      description: 'Latitude',
      range: [-90, 90],
      from: ['lat', 'location.lat'],
    },
    lon: {
      type: 'double',
      unit: 'degrees',
      description: 'Longitude',
      range: [-180, 180],
      from: ['lon', 'location.lon'],
    },
    status: {
      type: 'string',
      description: 'What the device says about itself: OK, WARN, FAIL',
      from: ['status', 'state.status'],
    },
  },

  // One row per device and window in `device_windows`, once the window has closed. docs/windows.md explains it.
  windows: {
    definitions: { five_minutes: { kind: 'tumbling', sizeMs: 5 * 60_000 } },
    metrics: ['temperature', 'battery'],
    // A reading up to this much older than its device's newest one still counts.
    allowedLatenessMs: 5 * 60_000,
  },

  // Rules of one field form a group, in which the first that matches wins; `npm run subscribe` follows what they raise.
  alerts: {
    rules: [
      {
        name: 'CRITICAL_TEMPERATURE',
        when: { field: 'temperature', is: '>', threshold: 35 },
        severity: 'CRITICAL',
        message: 'Critical temperature detected: {temperature}°C',
      },
      {
        name: 'HIGH_TEMPERATURE',
        when: { field: 'temperature', is: '>', threshold: 30 },
        severity: 'WARNING',
        message: 'High temperature warning: {temperature}°C',
      },
      {
        name: 'CRITICAL_BATTERY',
        when: { field: 'battery', is: '<', threshold: 10 },
        severity: 'CRITICAL',
        message: 'Critical battery level: {battery}%',
      },
      {
        name: 'LOW_BATTERY',
        when: { field: 'battery', is: '<', threshold: 20 },
        severity: 'WARNING',
        message: 'Low battery warning: {battery}%',
      },
    ],
  },

  // Files that land in blob storage. The hints keep a column's type when a file has something else in it: that is rescued.
  files: {
    landed: {
      container: 'input-files',
      schemaHints: {
        deviceId: 'string',
        ts: 'timestamp',
        temperature: 'double',
        humidity: 'double',
        pressure: 'double',
        battery: 'double',
        lat: 'double',
        lon: 'double',
        status: 'string',
      },
      rename: { local_ts: 'ts' },
    },
  },
});
