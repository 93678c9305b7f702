// Pure. Names of entities: `@name@key`, the name in lower case, the key as it was given. (Durable contract, section 1.1.)

export interface EntityId {
  /** Lower case. */
  readonly name: string;
  readonly key: string;
}

/** `name` may come in any case: a signal of an entity keeps its caller's. */
export function schedulerIdOf(name: string, key: string): string {
  return `@${name.toLowerCase()}@${key}`;
}

/** @returns undefined when the text names no entity */
export function parseSchedulerId(id: string): EntityId | undefined {
  const match = /^@([^@]+)@([\s\S]*)$/.exec(id);
  return match === null ? undefined : { name: (match[1] ?? '').toLowerCase(), key: match[2] ?? '' };
}

/** @returns what is wrong with the key; undefined when it may be used */
export function keyProblem(key: string): string | undefined {
  return hasForbiddenCharacter(key)
    ? 'Entity keys must not contain /, \\, #, ? or control characters.'
    : undefined;
}

/** @returns what is wrong with the id of an orchestration; undefined when it may be used */
export function instanceIdProblem(instanceId: string): string | undefined {
  if (instanceId === '' || instanceId.length > 256)
    return 'Instance ids must have between 1 and 256 characters.';
  if (instanceId.startsWith('@')) return 'Instance ids must not start with @.';
  return hasForbiddenCharacter(instanceId)
    ? 'Instance ids must not contain /, \\, #, ? or control characters.'
    : undefined;
}

function hasForbiddenCharacter(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return /[/\\#?\u0000-\u001f\u007f-\u009f]/.test(text);
}
