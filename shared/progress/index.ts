export { summarizeTable, type TableSummary } from './tableSummary.js';
