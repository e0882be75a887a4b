import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import { PipelineError } from '../model/errors.ts';

const MIN_JAVA = 17;

/**
 * What every Java gets. With the quick compiler alone a start takes 40 % less processor time, and neither the first
 * gigabytes nor the first thousand files are slower; the thorough one pays only on servers that run for long.
 * The collector
 * of one thread starts sooner than the default one, and is enough for heaps of at most 512 MiB.
 * One that is out of memory must end and be seen, not linger.
 */
export const JAVA_OPTIONS = [
  '-XX:TieredStopAtLevel=1',
  '-XX:+UseSerialGC',
  '-XX:+ExitOnOutOfMemoryError',
] as const;

/** The tools that this machine must have, and how to get each. */
const TOOLS = {
  java: `Kafka and HDFS need Java ${MIN_JAVA} or later: apt install openjdk-17-jre-headless, or brew install openjdk@17, or set JAVA_HOME to one.`,
  mvn: 'Maven fetches Kafka and HDFS: apt install maven, or brew install maven.',
  go: 'Go builds the Temporal server where there is none: install it from https://go.dev/dl, or put the temporal command line (https://docs.temporal.io/cli) on the PATH, or name it in TEMPORAL_CLI.',
} as const;

/** The path of a program on the PATH, or undefined. */
export function onPath(program: string, path = process.env['PATH'] ?? ''): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => resolve(folder, program))
    .find(isProgram);
}

/** Whether the path is a file that can be run. */
export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * The path of a tool that must be here.
 *
 * @throws PipelineError SERVICE_TOOL_MISSING, which says how to get it.
 */
export function requireTool(name: 'mvn' | 'go'): string {
  const found = onPath(name);
  if (found !== undefined) return found;
  throw new PipelineError('SERVICE_TOOL_MISSING', `There is no ${name} on the PATH. ${TOOLS[name]}`);
}

/**
 * A Java that is new enough: JAVA_HOME's, else the one on the PATH.
 *
 * @throws PipelineError SERVICE_TOOL_MISSING, which says how to get it.
 */
export function requireJava(): string {
  const home = process.env['JAVA_HOME'];
  const java = home === undefined || home === '' ? onPath('java') : resolve(home, 'bin', 'java');
  if (java === undefined || !isProgram(java)) {
    throw new PipelineError(
      'SERVICE_TOOL_MISSING',
      `There is no ${java ?? 'java on the PATH'}. ${TOOLS.java}`,
    );
  }
  const said = spawnSync(java, ['-version'], { encoding: 'utf8' }).stderr;
  const version = javaVersion(said);
  if (version === undefined || version < MIN_JAVA) {
    throw new PipelineError(
      'SERVICE_TOOL_MISSING',
      `${java} is Java ${version ?? 'of an unknown version'}. ${TOOLS.java}`,
    );
  }
  return java;
}

/** The major version that `java -version` says: 17 of "17.0.15", 8 of "1.8.0_402". */
export function javaVersion(said: string): number | undefined {
  const match = /version "(?:1\.)?(\d+)/.exec(said);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}
