const MAX_NAME_LENGTH = 100;

/** Returns the path of a member, as `sequences.questions`; the path of the whole record is empty. */
export function joinPath(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

/** Returns an unknown field's name for a path: truncated, and quoted if it has special characters. */
export function formatName(name: string): string {
  const short = name.length > MAX_NAME_LENGTH ? `${name.slice(0, MAX_NAME_LENGTH)}…` : name;
  return /^[\w-]+$/u.test(short) ? short : JSON.stringify(short.toWellFormed());
}
