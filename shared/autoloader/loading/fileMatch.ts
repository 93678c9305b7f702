// Pure. Which files of a container belong to a stream.
import type { FileStream } from '../../pipeline/index.js';

/** A glob with a slash is matched below the prefix, one without with the file's name. `**` followed by a slash may be nothing. */
export function fileMatcher({
  prefix,
  glob,
}: Pick<FileStream, 'prefix' | 'glob'>): (path: string) => boolean {
  const folder = folderOf({ prefix });
  const expression = expressionOf(glob);
  const isName = !glob.includes('/');
  return (path) => {
    if (!path.startsWith(folder) || path.length === folder.length) return false;
    const inside = path.slice(folder.length);
    return expression.test(isName ? inside.slice(inside.lastIndexOf('/') + 1) : inside);
  };
}

/** What the paths of a stream's files begin with. */
export function folderOf({ prefix }: Pick<FileStream, 'prefix'>): string {
  return prefix === '' ? '' : `${prefix}/`;
}

function expressionOf(glob: string): RegExp {
  const source = glob.replace(/\*\*\/|\*\*|\*|[\\^$.|?+()[\]{}]/g, (token) => {
    if (token === '**/') return '(?:.*/)?';
    if (token === '**') return '.*';
    return token === '*' ? '[^/]*' : `\\${token}`;
  });
  return new RegExp(`^${source}$`, 's');
}
