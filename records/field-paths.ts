const MAX_NAME_LENGTH = 100;

/** Returns the path of a member, as `sequences.questions`; the path of the whole record is empty. */
export function joinPath(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** Returns a known field's name for a path: quoted if it has special characters. */
export function quoteName(name: string): string {
  return /^[\w-]+$/u.test(name) ? name : JSON.stringify(name.toWellFormed());
}

/** Returns an unknown field's name for a path: truncated, and quoted if it has special characters. */
export function formatName(name: string): string {
  return quoteName(name.length > MAX_NAME_LENGTH ? `${name.slice(0, MAX_NAME_LENGTH)}…` : name);
}

/** The name of the only field of an item that is not an object, in the paths of columns. */
export const VALUE_NAME = 'value';
