/** The pattern of a source's name, and its description for messages. */
export const SOURCE_NAME = {
  pattern: /^[a-z0-9][a-z0-9_-]{0,62}$/,
  rule: '1 to 63 of a-z, 0-9, _ and -, and begin with a letter or digit',
} as const;
