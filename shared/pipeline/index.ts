export { definePipeline } from './definePipeline.js';
export { parseTemplate, placeholdersOf, type TemplatePart } from './messageTemplate.js';
export { type ParsedPath, parseSourcePath } from './sourcePath.js';
export type {
  AlertComparison,
  AlertRule,
  AlertSeverity,
  Alerts,
  AlertsDefinition,
  ConversionRule,
  DeviceIdDefinition,
  EventTimeDefinition,
  Field,
  FieldDefinition,
  FieldType,
  FileStream,
  FileStreamDefinition,
  LimitsDefinition,
  MaintenanceDefinition,
  Pipeline,
  PipelineDefinition,
  SchemaEvolutionMode,
  SilenceRule,
  SourceDefinition,
  SourcePath,
  TablesDefinition,
  TimestampForm,
  Window,
  WindowDefinition,
  WindowOutput,
  Windows,
  WindowsDefinition,
} from './types.js';
export { isLocalHttp } from './webhooks.js';
