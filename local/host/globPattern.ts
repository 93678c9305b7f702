// Pure. The glob in package.json's `main`: `*`, `**`, `?` and `{a,b}`, matched against paths with forward slashes.

/** Matches whole relative paths, e.g. `dist/functions/status.js`; a leading `./` in the pattern is ignored. */
export function globPattern(glob: string): RegExp {
  const text = glob.replaceAll('\\', '/').replace(/^\.\//, '');
  let source = '';
  let depth = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text[index] ?? '';
    if (text.startsWith('**/', index)) {
      source += '(?:[^/]+/)*';
      index += 2;
    } else if (text.startsWith('**', index)) {
      source += '.*';
      index += 1;
    } else if (character === '{') {
      depth += 1;
      source += '(?:';
    } else if (character === '}' && depth > 0) {
      depth -= 1;
      source += ')';
    } else if (character === ',' && depth > 0) {
      source += '|';
    } else {
      source += translated(character);
    }
  }
  return new RegExp(`^${source}${')'.repeat(depth)}$`);
}

function translated(character: string): string {
  if (character === '*') return '[^/]*';
  if (character === '?') return '[^/]';
  return character.replace(/[.+^$()|[\]{}\\]/, '\\$&');
}
