// Pure. HTTP routes: ASP.NET route templates with parameters and constraints, and which function a request belongs to.
import { TributaryError } from '../../shared/base/index.js';

export interface Route {
  readonly functionName: string;
  /** Upper case. */
  readonly methods: readonly string[];
  readonly segments: readonly Segment[];
}

type Segment =
  | { readonly kind: 'literal'; readonly text: string }
  | {
      readonly kind: 'parameter';
      readonly name: string;
      readonly optional: boolean;
      readonly fallback?: string;
      readonly constraints: readonly Constraint[];
    }
  | { readonly kind: 'catchAll'; readonly name: string };

type Constraint = (value: string) => boolean;

export type RouteMatch =
  | {
      readonly kind: 'matched';
      readonly functionName: string;
      readonly parameters: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'methodNotAllowed'; readonly allowed: readonly string[] }
  | { readonly kind: 'notFound' };

export interface RouteDefinition {
  readonly functionName: string;
  readonly template: string;
  readonly methods: readonly string[];
}

/** @throws TributaryError CONFIG_INVALID when the template cannot be read */
export function parseRoute(definition: RouteDefinition): Route {
  const { functionName, template, methods } = definition;
  const segments = splitSegments(template.replace(/^\/+|\/+$/g, '')).map((text) =>
    parseSegment(functionName, template, text),
  );
  const catchAll = segments.findIndex((segment) => segment.kind === 'catchAll');
  if (catchAll >= 0 && catchAll < segments.length - 1) {
    throw invalidRoute(functionName, template, 'a catch-all parameter must be the last segment');
  }
  return { functionName, methods: methods.map((method) => method.toUpperCase()), segments };
}

/** Slashes inside braces (a regex constraint) do not separate segments. */
function splitSegments(template: string): string[] {
  return template === '' ? [] : (template.match(/(?:\{(?:[^{}]|\{[^{}]*\})*\}|[^/])+/g) ?? []);
}

function parseSegment(functionName: string, template: string, text: string): Segment {
  if (!/[{}]/.test(text)) return { kind: 'literal', text };
  const match = /^\{(\*{0,2})(\w+)((?::[^=]*?)?)(\?)?(?:=(.*))?\}$/.exec(text);
  if (match === null) {
    throw invalidRoute(functionName, template, `"${text}" is neither text nor one {parameter}`);
  }
  const [, stars = '', name = '', constraints = '', optional, fallback] = match;
  if (stars !== '') return { kind: 'catchAll', name };
  return {
    kind: 'parameter',
    name,
    optional: optional !== undefined || fallback !== undefined,
    constraints: splitConstraints(constraints).map((constraint) =>
      parseConstraint(functionName, template, constraint),
    ),
    ...(fallback === undefined ? {} : { fallback }),
  };
}

/** `:int:min(1)` -> `int`, `min(1)`; a colon inside parentheses belongs to the argument. */
function splitConstraints(text: string): string[] {
  return text.match(/(?<=:)\w+(?:\((?:[^()]|\([^()]*\))*\))?/g) ?? [];
}

const simpleConstraints: Readonly<Record<string, Constraint>> = {
  int: (value) => /^-?\d+$/.test(value) && Math.abs(Number(value)) <= 2 ** 31,
  long: (value) => /^-?\d{1,19}$/.test(value),
  bool: (value) => /^(true|false)$/i.test(value),
  guid: (value) => /^\{?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\}?$/i.test(value),
  alpha: (value) => /^[a-z]*$/i.test(value),
  decimal: (value) => /^-?\d+(\.\d+)?$/.test(value),
  double: (value) => /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(value),
  float: (value) => /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(value),
  datetime: (value) => !Number.isNaN(Date.parse(value)),
  required: (value) => value !== '',
};

function parseConstraint(functionName: string, template: string, text: string): Constraint {
  const [, name = '', argument = ''] = /^(\w+)(?:\((.*)\))?$/.exec(text) ?? [];
  const simple = simpleConstraints[name.toLowerCase()];
  if (simple !== undefined) return simple;
  const [first = Number.NaN, second = first] = argument.split(',').map(Number);
  switch (name.toLowerCase()) {
    case 'length':
      return (value) => value.length >= first && value.length <= second;
    case 'minlength':
      return (value) => value.length >= first;
    case 'maxlength':
      return (value) => value.length <= first;
    case 'min':
      return (value) => /^-?\d+$/.test(value) && Number(value) >= first;
    case 'max':
      return (value) => /^-?\d+$/.test(value) && Number(value) <= first;
    case 'range':
      return (value) => /^-?\d+$/.test(value) && Number(value) >= first && Number(value) <= second;
    case 'regex':
      return regexConstraint(functionName, template, argument);
    default:
      throw invalidRoute(functionName, template, `the constraint "${text}" is unknown`);
  }
}

function regexConstraint(functionName: string, template: string, source: string): Constraint {
  try {
    // Braces are doubled in a route template.
    const pattern = new RegExp(source.replaceAll('{{', '{').replaceAll('}}', '}'), 'i');
    return (value) => pattern.test(value);
  } catch {
    throw invalidRoute(functionName, template, `"${source}" is no regular expression`);
  }
}

/**
 * More specific templates win, segment by segment: text, then a parameter with a constraint, then one without, then a
 * catch-all.
 * @param path without the route prefix and without slashes at its ends; still percent-encoded
 */
export function matchRoute(routes: readonly Route[], method: string, path: string): RouteMatch {
  const parts = path === '' ? [] : path.split('/').map(decodeSegment);
  const matches = routes.flatMap((route) => {
    const parameters = matchSegments(route.segments, parts);
    return parameters === undefined ? [] : [{ route, parameters }];
  });
  const withMethod = matches.filter(({ route }) => route.methods.includes(method.toUpperCase()));
  const [best] = withMethod.sort((a, b) => compareSpecificity(a.route, b.route));
  if (best !== undefined) {
    return { kind: 'matched', functionName: best.route.functionName, parameters: best.parameters };
  }
  if (matches.length === 0) return { kind: 'notFound' };
  return {
    kind: 'methodNotAllowed',
    allowed: [...new Set(matches.flatMap(({ route }) => route.methods))].sort(),
  };
}

function decodeSegment(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A stray percent sign is itself.
    return text;
  }
}

function matchSegments(
  segments: readonly Segment[],
  parts: readonly string[],
): Record<string, string> | undefined {
  const parameters: Record<string, string> = {};
  let index = 0;
  for (const segment of segments) {
    if (segment.kind === 'catchAll') {
      parameters[segment.name] = parts.slice(index).join('/');
      return parameters;
    }
    const part = parts[index];
    index += 1;
    if (segment.kind === 'literal') {
      // Route text is matched without regard to case, as ASP.NET does.
      if (part?.toLowerCase() !== segment.text.toLowerCase()) return undefined;
      continue;
    }
    if (part === undefined) {
      if (!segment.optional) return undefined;
      if (segment.fallback !== undefined) parameters[segment.name] = segment.fallback;
      continue;
    }
    if (!segment.constraints.every((holds) => holds(part))) return undefined;
    parameters[segment.name] = part;
  }
  return index >= parts.length ? parameters : undefined;
}

function rankOf(segment: Segment | undefined): number {
  if (segment === undefined || segment.kind === 'catchAll') return 3;
  if (segment.kind === 'literal') return 0;
  return segment.constraints.length > 0 ? 1 : 2;
}

function compareSpecificity(a: Route, b: Route): number {
  for (let index = 0; index < Math.max(a.segments.length, b.segments.length); index++) {
    const difference = rankOf(a.segments[index]) - rankOf(b.segments[index]);
    if (difference !== 0) return difference;
  }
  return 0;
}

function invalidRoute(functionName: string, template: string, what: string): TributaryError {
  return new TributaryError(
    'CONFIG_INVALID',
    `The route "${template}" of function "${functionName}" cannot be read: ${what}.`,
  );
}
