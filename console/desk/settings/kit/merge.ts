/** Lost updates: what somebody typed over a record that another one changed meanwhile, merged field by field. Pure. */

export type Fields = Readonly<Record<string, unknown>>;

/** Equal in value; objects are compared by their JSON, which this page makes itself, always in one order. */
export const isSame = (one: unknown, other: unknown): boolean => one === other || JSON.stringify(one) === JSON.stringify(other);

/** Names of the fields in which two versions differ. */
export const changedFields = <T extends object>(before: T, after: T): readonly (keyof T & string)[] =>
  (Object.keys(after) as (keyof T & string)[]).filter((field) => !isSame(before[field], after[field]));

export interface Merged<T> {
  /** What was typed where something was typed, else what the other one stored. */
  readonly value: T;
  /** Fields that both changed, to different values. */
  readonly clashes: readonly (keyof T & string)[];
  /** Fields that only the other one changed. */
  readonly taken: readonly (keyof T & string)[];
}

/** Three-way merge: `base` was read by both, `mine` is typed here, `theirs` is stored now. */
export function merge<T extends object>(base: T, mine: T, theirs: T): Merged<T> {
  const typed = new Set<string>(changedFields(base, mine));
  const stored = changedFields(base, theirs);
  const value = { ...theirs };
  for (const field of Object.keys(mine) as (keyof T & string)[]) if (typed.has(field)) value[field] = mine[field];
  return {
    value,
    clashes: stored.filter((field) => typed.has(field) && !isSame(mine[field], theirs[field])),
    taken: stored.filter((field) => !typed.has(field)),
  };
}
