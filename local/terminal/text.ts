// Pure. Text as a terminal shows it: column width, cutting, and control characters made harmless.

const plainAscii = /^[\x20-\x7e]*$/;
const zeroWidth = /^(?:\p{M}|\u200b|\u200c|\u200d|\ufeff)$/u;
const doubleWidth =
  /^(?:[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation})$/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const controlCharacter = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
const shortEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function characterWidth(character: string): number {
  if (zeroWidth.test(character)) return 0;
  return doubleWidth.test(character) ? 2 : 1;
}

/** Columns a terminal needs for `text`, which must be free of control characters. */
export function displayWidth(text: string): number {
  if (plainAscii.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/**
 * Text from outside (a device id, a log line) with control characters written out, so that it can neither break a
 * table nor send commands to the terminal.
 */
export function visibleText(text: string): string {
  if (plainAscii.test(text)) return text;
  return text.replace(
    controlCharacter,
    (character) =>
      shortEscapes[character] ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}}`,
  );
}

/** At most `width` columns; what was cut is marked by an ellipsis. */
export function cutToWidth(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  if (width <= 0) return '';
  let kept = '';
  let keptWidth = 0;
  for (const character of text) {
    const next = characterWidth(character);
    if (keptWidth + next > width - 1) break;
    kept += character;
    keptWidth += next;
  }
  return `${kept}…`;
}

export function padToWidth(text: string, width: number, align: 'left' | 'right'): string {
  const padding = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return align === 'left' ? text + padding : padding + text;
}

/** Words broken over lines of at most `width` columns; a longer word gets a line of its own. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const candidate = line === '' ? word : `${line} ${word}`;
    if (line !== '' && displayWidth(candidate) > width) {
      lines.push(line);
      line = word;
    } else line = candidate;
  }
  return [...lines, line];
}
