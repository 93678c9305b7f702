// Pure. Device ids by pattern: `*` stands for any characters, everything else for itself.

/** Takes time in proportion to the id's length, whatever the pattern; a regular expression would not. */
export function devicePattern(pattern: string): (deviceId: string) => boolean {
  const pieces = pattern.split('*');
  const prefix = pieces.shift() ?? '';
  const suffix = pieces.pop();
  if (suffix === undefined) return (deviceId) => deviceId === pattern;
  return (deviceId) => {
    const end = deviceId.length - suffix.length;
    if (end < prefix.length || !deviceId.startsWith(prefix) || !deviceId.endsWith(suffix)) return false;
    return holdsInOrder(deviceId, pieces, prefix.length, end);
  };
}

function holdsInOrder(deviceId: string, pieces: readonly string[], start: number, end: number): boolean {
  let at = start;
  for (const piece of pieces) {
    const found = deviceId.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}
