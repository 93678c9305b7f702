export { formatCell, isNumeric, jsonRow, nullCell } from './cells.js';
export {
  type HostNotice,
  type LiveStatus,
  layoutLiveFrame,
  layoutStatusLine,
  type PartitionLag,
  type SendingStatus,
  type TableStatus,
  tableLines,
  totalLag,
} from './liveFrame.js';
export {
  formatBytes,
  formatCount,
  formatCountOf,
  formatDuration,
  formatElapsed,
  formatRate,
  formatTimestamp,
} from './quantities.js';
export { LiveScreen, terminalWidth } from './screen.js';
export { chooseStyle, plainStyle, type Style } from './style.js';
export { layoutTable, type TableColumn, type TableLayout } from './table.js';
export { cutToWidth, displayWidth, visibleText, wrapText } from './text.js';
