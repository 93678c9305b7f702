// Pure. All paths of a definition: each must be well formed, and a place in an event feeds one column only.
import type { Problems } from './problems.js';
import type { Section } from './section.js';
import { type ParsedPath, placeOf, readSourcePath } from './sourcePath.js';
import type { SourcePath } from './types.js';

export class PathRegister {
  readonly #problems: Problems;
  readonly #maxDepth: number;
  /** Place -> the key of the definition that took it. */
  readonly #owners = new Map<string, string>();

  /** @param maxDepth `limits.maxDepth`: nothing is ever found further down */
  constructor(problems: Problems, maxDepth: number) {
    this.#problems = problems;
    this.#maxDepth = maxDepth;
  }

  read(section: Section, key: string): readonly SourcePath[] {
    return this.add(
      section,
      key,
      section.texts(key, 'a path, as "temperature" or "location.lat", or an array of paths'),
    );
  }

  add(section: Section, key: string, paths: readonly SourcePath[]): readonly SourcePath[] {
    const owner = section.pathOf(key);
    for (const path of paths) this.#take(owner, path);
    return paths;
  }

  #take(owner: string, path: SourcePath): void {
    const result = readSourcePath(path);
    if (result.kind === 'invalid') {
      this.#problems.add(owner, `"${path}": ${result.problem}`);
      return;
    }
    if (depthOf(result.path) > this.#maxDepth) {
      this.#problems.add(
        owner,
        `"${path}" is deeper than limits.maxDepth (${this.#maxDepth}) lets a body be`,
      );
    }
    const place = placeOf(result.path);
    const rival = this.#owners.get(place);
    if (rival !== undefined) {
      const where = rival === owner ? 'is there twice' : `is taken by ${rival}; a place feeds one column`;
      this.#problems.add(owner, `"${path}" ${where}. Remove one of them`);
    }
    this.#owners.set(place, owner);
  }
}

function depthOf(path: ParsedPath): number {
  return path.kind === 'body' ? path.segments.length : 0;
}
