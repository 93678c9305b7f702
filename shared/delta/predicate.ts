// Pure. Conditions on rows, as far as whole files can be judged by them.

/**
 * `bigint`: whole numbers of any size. Dates are texts such as `2024-06-15` or days since 1970; timestamps are texts such as
 * `2024-06-15T12:30:00.5Z` (UTC without a zone) or microseconds since 1970; decimals are texts or numbers.
 */
export type Literal = string | number | bigint | boolean;

export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>=';

/** SQL's rules: a comparison with null is neither true nor false. */
export type Predicate =
  | {
      readonly kind: 'compare';
      /** A name, or the names from the column down to a field of a struct. */
      readonly column: string | readonly string[];
      readonly comparison: Comparison;
      readonly value: Literal;
    }
  | { readonly kind: 'isNull'; readonly column: string | readonly string[] }
  | { readonly kind: 'and' | 'or'; readonly conditions: readonly Predicate[] }
  | { readonly kind: 'not'; readonly condition: Predicate };

/** @param order of the value beside the literal: negative, zero or positive */
export function holds(order: number, comparison: Comparison): boolean {
  switch (comparison) {
    case '=':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

/** What a condition may come out as on the rows of a file; both false: on every row null. */
export interface Outcomes {
  readonly canBeTrue: boolean;
  readonly canBeFalse: boolean;
}

export const anyOutcome: Outcomes = { canBeTrue: true, canBeFalse: true };

/** The conditions that others are made of. */
export type ColumnCondition = Extract<Predicate, { kind: 'compare' } | { kind: 'isNull' }>;

/** @param outcomesOfLeaf what is known of the conditions that name columns */
export function outcomesOf(
  predicate: Predicate,
  outcomesOfLeaf: (leaf: ColumnCondition) => Outcomes,
): Outcomes {
  switch (predicate.kind) {
    case 'compare':
    case 'isNull':
      return outcomesOfLeaf(predicate);
    case 'not': {
      const { canBeTrue, canBeFalse } = outcomesOf(predicate.condition, outcomesOfLeaf);
      return { canBeTrue: canBeFalse, canBeFalse: canBeTrue };
    }
    case 'and': {
      const parts = predicate.conditions.map((condition) => outcomesOf(condition, outcomesOfLeaf));
      return {
        canBeTrue: parts.every((part) => part.canBeTrue),
        canBeFalse: parts.some((part) => part.canBeFalse),
      };
    }
    case 'or': {
      const parts = predicate.conditions.map((condition) => outcomesOf(condition, outcomesOfLeaf));
      return {
        canBeTrue: parts.some((part) => part.canBeTrue),
        canBeFalse: parts.every((part) => part.canBeFalse),
      };
    }
  }
}
