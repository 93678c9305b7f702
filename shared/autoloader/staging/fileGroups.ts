// Pure. The files of a batch in groups that are staged one by one, maybe in different processes.

export interface GroupLimits {
  readonly maxFiles: number;
  /** A single file may exceed it. */
  readonly maxBytes: number;
}

export const groupLimits: GroupLimits = { maxFiles: 250, maxBytes: 256 * 2 ** 20 };

/** In order; the same files always fall into the same groups. */
export function groupsOf<File extends { readonly sizeBytes: number }>(
  files: readonly File[],
  { maxFiles, maxBytes }: GroupLimits,
): readonly (readonly File[])[] {
  const groups: File[][] = [];
  let bytes = 0;
  for (const file of files) {
    const last = groups.at(-1);
    if (last === undefined || last.length >= maxFiles || bytes + file.sizeBytes > maxBytes) {
      groups.push([file]);
      bytes = file.sizeBytes;
    } else {
      last.push(file);
      bytes += file.sizeBytes;
    }
  }
  return groups;
}
