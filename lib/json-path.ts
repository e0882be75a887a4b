/** A JSON object whose members are not known. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Returns whether a value is a JSON object, not an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Returns the value at a path of names with dots between them. A name may have dots itself, as `@odata.nextLink` has:
 * the longest name that exists counts.
 * @returns Undefined if there is none.
 */
export function valueAtPath(value: unknown, path: string): unknown {
  if (!isJsonObject(value)) return undefined;
  for (let end = path.length; end > 0; end = path.lastIndexOf('.', end - 1)) {
    const name = path.slice(0, end);
    if (!Object.hasOwn(value, name)) continue;
    return end === path.length ? value[name] : valueAtPath(value[name], path.slice(end + 1));
  }
  return undefined;
}
