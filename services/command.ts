import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PRIVATE_FILE_MODE, PRIVATE_FOLDER_MODE, withPrivateFiles } from '../lib/private-files.ts';
import { PipelineError } from '../model/errors.ts';

/** A program to run, without a shell. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** Variables besides those of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

const TAIL_LINES = 15;

/**
 * Runs a command to its end; its output replaces the contents of a log file.
 *
 * @throws PipelineError SERVICE_INSTALL_FAILED with the log's last lines and path when it fails.
 */
export async function runLoggedCommand(what: string, command: Command, log: string): Promise<void> {
  mkdirSync(dirname(log), { recursive: true, mode: PRIVATE_FOLDER_MODE });
  const output = openSync(log, 'w', PRIVATE_FILE_MODE);
  let ending: string;
  try {
    const child = withPrivateFiles(() =>
      spawn(command.program, command.args, {
        env: { ...process.env, ...command.env },
        stdio: ['ignore', output, output],
      }),
    );
    const [code, killedBy] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    if (code === 0) return;
    ending = killedBy === null ? `ended with ${code ?? 'no code'}` : `was ended by ${killedBy}`;
  } catch (cause) {
    throw new PipelineError('SERVICE_INSTALL_FAILED', `${what}: ${command.program} could not be run.`, {
      cause,
    });
  } finally {
    closeSync(output);
  }
  throw new PipelineError(
    'SERVICE_INSTALL_FAILED',
    `${what}: ${command.program} ${ending}.\n${await lastLines(log, TAIL_LINES)}\n(log: ${log})`,
  );
}

/** Returns the last lines of a log file; an empty string when the file is missing. */
export async function lastLines(path: string, count: number): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-count).join('\n');
}
