// Pure. The part of a definition that becomes columns.
import { describeValue, type Problems } from './problems.js';
import { isPlainObject, Section } from './section.js';
import { pathOfKey } from './sourcePath.js';
import type { PathRegister } from './sourcePaths.js';
import type { Field, FieldType } from './types.js';

type Conversion = Field['conversions'][number];

const fieldTypes: readonly FieldType[] = ['string', 'double', 'long', 'integer', 'boolean', 'timestamp'];
const fieldKeys = ['type', 'unit', 'description', 'range', 'required', 'from', 'conversions'];
const conversionKeys = ['name', 'devices', 'multiplyBy'];
export const numericTypes: readonly (FieldType | undefined)[] = ['double', 'long', 'integer'];
const reservedNames = ['device_id', 'event_time'];

/** Characters that Delta refuses in column names without column mapping. */
const refusedCharacters = /[ ,;{}()\n\t=]/;

/** Spelled otherwise elsewhere; people try them first. */
const otherSpellings: Readonly<Record<string, FieldType>> = {
  number: 'double',
  float: 'double',
  int: 'integer',
  bigint: 'long',
  bool: 'boolean',
  text: 'string',
  datetime: 'timestamp',
  date: 'timestamp',
};

export function readFields(problems: Problems, value: unknown, paths: PathRegister): readonly Field[] {
  if (!isPlainObject(value) || Object.keys(value).length === 0) {
    const what = value === undefined ? 'missing' : `is ${describeValue(value)}`;
    const problem = isPlainObject(value) ? 'is empty' : what;
    problems.add(
      'fields',
      `${problem}; it must be an object with at least one column, as { temperature: { type: 'double' } }`,
    );
    return [];
  }
  const seen = new Map<string, string>();
  const ruleNames = new Map<string, string>();
  return Object.entries(value).flatMap(([name, definition]) => {
    checkName(problems, name, seen);
    const field = readField(
      new Section(problems, `fields.${name}`, definition, fieldKeys),
      name,
      paths,
      ruleNames,
    );
    return field === undefined ? [] : [field];
  });
}

/** @param seen column names so far, by lower case: Delta's columns differ by more than case */
function checkName(problems: Problems, name: string, seen: Map<string, string>): void {
  const path = `fields.${name}`;
  const lower = name.toLowerCase();
  const rival = seen.get(lower);
  if (rival !== undefined)
    problems.add(path, `differs from column "${rival}" in case only; rename one of them`);
  seen.set(lower, name);
  if (name === '') problems.add('fields', 'has a column without a name');
  if (reservedNames.includes(lower)) {
    problems.add(path, `is a column that every table has; say where it comes from in deviceId or eventTime`);
  }
  if (name.startsWith('_'))
    problems.add(path, 'starts with "_", which is kept for our own columns; rename it');
  const refused = refusedCharacters.exec(name);
  if (refused !== null) {
    problems.add(
      path,
      `has the character ${JSON.stringify(refused[0])}, which Delta refuses in column names; use "_"`,
    );
  }
  if (/^\d+$/.test(name)) {
    problems.add(path, 'has digits only; JavaScript would move such a column to the front. Add a letter');
  }
}

function readField(
  section: Section,
  name: string,
  paths: PathRegister,
  ruleNames: Map<string, string>,
): Field | undefined {
  const type = readType(section);
  const isNumeric = numericTypes.includes(type);
  const range = readRange(section, type);
  const conversions = readConversions(section, ruleNames);
  if (type !== undefined && !isNumeric && section.has('range')) {
    section.report('range', `a ${type} field has no range; remove it or use a number type`);
  }
  if (type !== undefined && !isNumeric && section.has('conversions')) {
    section.report('conversions', `only numbers can be converted, and this field is a ${type}`);
  }
  const field = {
    name,
    unit: section.optionalText('unit'),
    description: section.optionalText('description'),
    range,
    required: section.flag('required', false),
    from: section.has('from') ? paths.read(section, 'from') : paths.add(section, 'from', [pathOfKey(name)]),
    conversions,
  };
  return type === undefined ? undefined : { ...field, type };
}

function readType(section: Section): FieldType | undefined {
  const value = section.value('type');
  const known = typeof value === 'string' && Object.hasOwn(otherSpellings, value);
  if (!known) return section.choice('type', fieldTypes);
  section.report('type', `is "${value}", which is not a type here. Did you mean "${otherSpellings[value]}"?`);
  return undefined;
}

function readRange(section: Section, type: FieldType | undefined): readonly [number, number] | undefined {
  if (!section.has('range')) return undefined;
  const value = section.value('range');
  if (!Array.isArray(value) || value.length !== 2 || !value.every((bound) => Number.isFinite(bound))) {
    section.report('range', 'must be two finite numbers, as [minimum, maximum]; leave it out for no bounds');
    return undefined;
  }
  const [minimum, maximum] = value as [number, number];
  if (minimum > maximum) {
    section.report('range', `the minimum ${minimum} is above the maximum ${maximum}; swap them`);
  }
  if ((type === 'long' || type === 'integer') && !value.every(Number.isInteger)) {
    section.report('range', `the bounds of a ${type} field must be whole numbers`);
  }
  return [minimum, maximum];
}

function readConversions(section: Section, ruleNames: Map<string, string>): readonly Conversion[] {
  return section.list('conversions', 'an array of rules').flatMap((value, index) => {
    const rule = section.element('conversions', index, value, conversionKeys);
    const name = readRuleName(rule, ruleNames);
    const devices = readDevices(rule);
    const multiplyBy = rule.value('multiplyBy');
    if (typeof multiplyBy !== 'number' || !Number.isFinite(multiplyBy) || multiplyBy === 0) {
      const what = multiplyBy === undefined ? 'missing' : `is ${describeValue(multiplyBy)}`;
      rule.report('multiplyBy', `${what}; it must be a finite number other than 0`);
      return [];
    }
    return name === undefined ? [] : [{ name, devices, multiplyBy }];
  });
}

/** Names are joined with commas in the rows' `_rules`, and each must lead to one rule. */
function readRuleName(rule: Section, ruleNames: Map<string, string>): string | undefined {
  const name = rule.text('name', 'a name, as "battery_fraction_to_percent"');
  if (name === undefined) return undefined;
  if (!/^[A-Za-z0-9_.-]+$/.test(name)) {
    rule.report('name', `is ${describeValue(name)}; use letters, digits, "_", "-" and "." only`);
  }
  const rival = ruleNames.get(name);
  if (rival !== undefined) {
    rule.report(
      'name',
      `"${name}" is taken by ${rival}; rows name their rules, so each needs a name of its own`,
    );
  }
  ruleNames.set(name, rule.path);
  return name;
}

function readDevices(rule: Section): readonly string[] {
  const purpose = 'a pattern of device ids, as "sensor-*", or an array of them; "*" alone means every device';
  const devices = rule.texts('devices', purpose);
  for (const pattern of devices) {
    if (pattern.trim() !== pattern) {
      rule.report('devices', `${JSON.stringify(pattern)} begins or ends with a space; remove it`);
    }
  }
  return devices;
}
