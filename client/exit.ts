/** What the command line exits with. */
export const EXIT = {
  /** It did what was asked. */
  ok: 0,
  /** It could not: a server, a run or a table failed; or `verify` found something off. */
  failed: 1,
  /** The command's words or the settings are off; nothing was done. */
  usage: 2,
  /** The run waits for a person. */
  waiting: 3,
} as const;

/** One of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
