/** What the command line exits with. */
export const EXIT = {
  /** It did what was asked. */
  ok: 0,
  /** It could not: a server, a run or a table failed; or `verify` found something off. */
  failed: 1,
  /** The command's words or the settings are off; nothing was done. */
  usage: 2,
  /** The run waits for a person, or would. */
  waiting: 3,
} as const;

/** One of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What a shell gives for a program that Ctrl-C ended. */
export const INTERRUPTED = 130;

/** What each exit code means, for the help and for docs/errors.md. */
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'It did what was asked.',
  failed: 'It could not: a server, a run or a table failed; or verify found something off.',
  usage: 'The command’s words or the settings are off; nothing was done.',
  waiting: 'The run waits for a person (start --follow, schedule backfill), or would (preview).',
};
