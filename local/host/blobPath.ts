// Pure. The `path` of a blob trigger: a container and a pattern with captures, e.g. `landing/{stream}/{name}.json`.
import { TributaryError } from '../../shared/base/index.js';

export interface BlobPathPattern {
  readonly container: string;
  /** Everything before the first capture, to narrow the listing. */
  readonly prefix: string;
  /** @returns the captures by name, or undefined when the blob is not meant */
  match(blobName: string): Readonly<Record<string, string>> | undefined;
}

/** @throws TributaryError CONFIG_INVALID */
export function parseBlobPath(functionName: string, path: string): BlobPathPattern {
  const slash = path.indexOf('/');
  const container = slash < 0 ? path : path.slice(0, slash);
  if (!/^(?:\$[a-z]+|[a-z0-9](?:-?[a-z0-9]){2,62})$/.test(container)) {
    throw new TributaryError(
      'CONFIG_INVALID',
      `The blob path "${path}" of function "${functionName}" has no valid container name before its first slash.`,
    );
  }
  // A path without a blob part means every blob of the container.
  return patternFor(container, slash < 0 ? '' : path.slice(slash + 1));
}

function patternFor(container: string, blobPattern: string): BlobPathPattern {
  let source = '';
  let prefix = '';
  let seenCapture = false;
  const names: string[] = [];
  for (const [token, name] of blobPattern.matchAll(/\{\{|\}\}|\{(\w+)\}|[^{}]+|[{}]/g)) {
    if (name !== undefined) {
      seenCapture = true;
      names.push(name);
      source += '(.*)';
      continue;
    }
    const text = token === '{{' ? '{' : token === '}}' ? '}' : token;
    source += text.replace(/[.*+?^$()|[\]{}\\]/g, '\\$&');
    if (!seenCapture) prefix += text;
  }
  const expression = blobPattern === '' ? /^.*$/s : new RegExp(`^${source}$`, 's');
  return {
    container,
    prefix,
    match(blobName) {
      const match = expression.exec(blobName);
      if (match === null) return undefined;
      return Object.fromEntries(names.map((name, index) => [name, match[index + 1] ?? '']));
    },
  };
}
