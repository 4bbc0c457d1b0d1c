/**
 * The generator knows tuples as `items` of draft 4, not as `prefixItems` of 2020-12, and would spell a limit of
 * 20 items out as 20 tuples.
 */
export function asDraft4(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(asDraft4);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { prefixItems, maxItems, ...rest } = schema as Record<string, unknown>;
  const converted = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, asDraft4(value)]));
  if (Array.isArray(prefixItems)) return { ...converted, items: prefixItems.map(asDraft4), maxItems };
  return converted;
}
