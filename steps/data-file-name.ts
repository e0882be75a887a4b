import { shortHash } from './transform/table-files.ts';

const NAME = /^part-[0-9a-f]{16}-([0-9a-f]{8})-[0-9a-f]{8}\.parquet$/;

/**
 * Returns the name of a data file, made of its subject, run and SHA-256: attempts of a run share a file only if its bytes
 * are the same, and runs, which remove their unused files, never do.
 * @param subject Identifies the contents; the same for each attempt.
 */
export function dataFileName(subject: string, runId: string, sha256: string): string {
  return `part-${shortHash(subject)}-${runSuffix(runId)}-${sha256.slice(0, 8)}.parquet`;
}

/** Returns the part of a run's id that names its files: the end, which is random, whereas the start is its time. */
export function runSuffix(runId: string): string {
  return runId.slice(-8);
}

/** Returns the {@link runSuffix} of the run that wrote a data file; undefined for a name of another program. */
export function writerOf(name: string): string | undefined {
  return NAME.exec(name)?.[1];
}
