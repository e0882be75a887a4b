import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import { PipelineError } from '../model/errors.ts';

const MIN_JAVA = 17;

/**
 * Options of every JVM. With C1 alone (TieredStopAtLevel=1) a start takes 40 % less processor time, and neither the
 * first gigabytes nor the first thousand files are slower; C2 pays only on long-running servers. The serial collector
 * starts sooner than the default one, and is enough for heaps of at most 512 MiB. A JVM that is out of memory must
 * exit rather than linger.
 */
export const JAVA_OPTIONS = [
  '-XX:TieredStopAtLevel=1',
  '-XX:+UseSerialGC',
  '-XX:+ExitOnOutOfMemoryError',
] as const;

/** Tools that must be installed, each with instructions. */
const TOOLS = {
  java: `Kafka and HDFS need Java ${MIN_JAVA} or later: apt install openjdk-17-jre-headless, or brew install openjdk@17, or set JAVA_HOME to one.`,
  mvn: 'Maven fetches Kafka and HDFS: apt install maven, or brew install maven.',
  go: 'Go builds the Temporal server where it is neither installed nor can be downloaded: install it from https://go.dev/dl, or put the temporal command line (https://docs.temporal.io/cli) on the PATH, or name it in TEMPORAL_CLI.',
} as const;

/** Returns the path of a program on the PATH; undefined when there is none. */
export function onPath(program: string, path = process.env['PATH'] ?? ''): string | undefined {
  return path
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => resolve(folder, program))
    .find(isProgram);
}

/** Returns whether the path is an executable file. */
export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * Returns the path of a required tool.
 *
 * @throws PipelineError SERVICE_TOOL_MISSING with instructions to install it.
 */
export function requireTool(name: 'mvn' | 'go'): string {
  const found = onPath(name);
  if (found !== undefined) return found;
  throw new PipelineError('SERVICE_TOOL_MISSING', `There is no ${name} on the PATH. ${TOOLS[name]}`);
}

/**
 * Returns a Java that is new enough: JAVA_HOME's, else the one on the PATH.
 *
 * @throws PipelineError SERVICE_TOOL_MISSING with instructions to install it.
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

/** Parses the major version of `java -version`: 17 of "17.0.15", 8 of "1.8.0_402". */
export function javaVersion(said: string): number | undefined {
  const match = /version "(?:1\.)?(\d+)/.exec(said);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}
