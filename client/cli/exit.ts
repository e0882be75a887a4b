/** Exit codes of the command line; {@link EXIT_MEANINGS} explains them. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  waiting: 3,
} as const;

/** One of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Exit code after Ctrl-C: 128 + SIGINT, as shells report it. */
export const INTERRUPTED = 130;

/** Explains each exit code, for the help and for docs/errors.md. */
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'The command succeeded.',
  failed: 'The command failed: an error of a server, a run or a table, or verify found a mismatch.',
  usage: 'The arguments or the settings are invalid; nothing was done.',
  waiting: 'The run waits for a person (start --follow, schedule backfill), or would wait (preview).',
};
