// Pure. Colours, or none: every renderer takes a Style and knows nothing of the terminal.

export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
  green(text: string): string;
}

const unchanged = (text: string) => text;

export const plainStyle: Style = {
  bold: unchanged,
  dim: unchanged,
  red: unchanged,
  yellow: unchanged,
  green: unchanged,
};

const painter = (open: number, close: number) => (text: string) => `\x1b[${open}m${text}\x1b[${close}m`;

export const colourStyle: Style = {
  bold: painter(1, 22),
  dim: painter(2, 22),
  red: painter(31, 39),
  yellow: painter(33, 39),
  green: painter(32, 39),
};

/** Colours only where a person looks at a terminal that wants them (https://no-color.org). */
export function chooseStyle(
  isTerminal: boolean,
  environment: Readonly<Record<string, string | undefined>>,
): Style {
  const refused = (environment.NO_COLOR ?? '') !== '' || environment.TERM === 'dumb';
  return isTerminal && !refused ? colourStyle : plainStyle;
}
