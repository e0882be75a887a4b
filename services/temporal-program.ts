import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join, resolve } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PipelineError, messageOf } from '../model/errors.ts';
import { runLoggedCommand } from './command.ts';
import { cacheFolder, goCommand, installOnce, type Progress } from './install.ts';
import { isProgram, onPath } from './tools.ts';

/** Version of Temporal's CLI, which contains the server and the UI. */
const VERSION = '1.5.1';

/** The SHA-256 of the release's archives, by `<platform>_<architecture>`, from its `checksums.txt`. */
const ARCHIVES: Readonly<Record<string, string>> = {
  linux_amd64: 'ddc95e08b0b076efd4ea9733a3f488eb7d2be875f8834e616cd2a37358b4852d',
  linux_arm64: 'bd1b0db9f18b051026de8bf6cc1505f2510f14bbb7a8b9a4a91fff46c77454f5',
  darwin_amd64: 'bbb73e2a31135abe50a1f1cdb35030c42961df618e8ce9c60ae89f201540c5d9',
  darwin_arm64: 'cca01b7ea35ad56e2a328d9ae596bf716bd22313ef63c7a761c88354457c2415',
};
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Timeout of the download's first bytes, and of each further wait: without a network it must fail soon. */
const SILENCE_TIMEOUT_MS = 5_000;
const MAX_ARCHIVE_BYTES = 500 * 2 ** 20;

const REMINDER_INTERVAL_MS = 30_000;

/** An archive to download. */
export interface Archive {
  readonly url: string;
  /** Hexadecimal. */
  readonly sha256: string;
}

/**
 * Returns the `temporal` program: $TEMPORAL_CLI, the one on the PATH, or one in the cache. That is downloaded the first
 * time, as an archive of Temporal's release, or built with Go where it cannot be downloaded.
 *
 * @throws PipelineError SERVICE_TOOL_MISSING without the download and Go, SERVICE_INSTALL_FAILED when the build fails.
 */
export async function installTemporal(progress: Progress): Promise<string> {
  const named = process.env['TEMPORAL_CLI'];
  if (named !== undefined && named !== '') {
    if (isProgram(named)) return resolve(named);
    throw new PipelineError('SERVICE_TOOL_MISSING', `TEMPORAL_CLI names ${named}, which is no program.`);
  }
  const found = onPath('temporal');
  if (found !== undefined) return found;
  const name = `temporal-${VERSION}`;
  const log = join(cacheFolder(), 'logs', `${name}.log`);
  const folder = await installOnce(join(cacheFolder(), name), async (content, scratch) => {
    try {
      progress(`temporal: downloading version ${VERSION}, once, which takes seconds`);
      await downloadTemporal(releaseArchive(), content, scratch, log);
    } catch (error) {
      progress(`temporal: the download failed: ${messageOf(error)}`);
      progress('temporal: building it with Go instead, once, which takes 3 to 6 minutes on two cores');
      await withReminders(progress, () => buildTemporal(content, scratch, log));
    }
  });
  return join(folder, 'temporal');
}

/** @throws PipelineError SERVICE_INSTALL_FAILED where the release has no archive for this machine. */
function releaseArchive(): Archive {
  const machine = `${process.platform}_${ARCHITECTURES[process.arch] ?? process.arch}`;
  const sha256 = ARCHIVES[machine];
  if (sha256 === undefined) throw downloadError(`there is none for ${machine}`);
  const release = `https://github.com/temporalio/cli/releases/download/v${VERSION}`;
  return { url: `${release}/temporal_cli_${VERSION}_${machine}.tar.gz`, sha256 };
}

/**
 * Downloads an archive, compares its hash, and unpacks the program `temporal` of it.
 *
 * @param content Folder for the program.
 * @param scratch Folder for the archive.
 * @throws PipelineError SERVICE_INSTALL_FAILED
 */
export async function downloadTemporal(
  { url, sha256 }: Archive,
  content: string,
  scratch: string,
  log: string,
): Promise<void> {
  const archive = join(scratch, 'temporal.tar.gz');
  const silence = new AbortController();
  const restart = (): NodeJS.Timeout =>
    setTimeout(() => {
      silence.abort();
    }, SILENCE_TIMEOUT_MS);
  let timer = restart();
  const hash = createHash('sha256');
  let bytes = 0;
  const count = new Transform({
    transform(piece: Buffer, _, done) {
      clearTimeout(timer);
      timer = restart();
      bytes += piece.length;
      hash.update(piece);
      done(bytes > MAX_ARCHIVE_BYTES ? downloadError(`${url} sent more than 500 MiB`) : null, piece);
    },
  });
  try {
    const response = await fetch(url, { signal: silence.signal });
    if (!response.ok || response.body === null) throw downloadError(`${url} answered ${response.status}`);
    await pipeline(Readable.fromWeb(response.body), count, createWriteStream(archive), {
      signal: silence.signal,
    });
  } catch (error) {
    if (silence.signal.aborted)
      throw downloadError(`${url} sent nothing for ${SILENCE_TIMEOUT_MS / 1000} s`, error);
    if (error instanceof PipelineError) throw error;
    throw downloadError(`${url} cannot be reached: ${messageOf(error)}`, error);
  } finally {
    clearTimeout(timer);
  }
  const found = hash.digest('hex');
  if (found !== sha256) throw downloadError(`${url} has the SHA-256 ${found} instead of ${sha256}`);
  const unpack = { program: 'tar', args: ['-xzf', archive, '-C', content, 'temporal'] };
  await runLoggedCommand('Unpacking Temporal', unpack, log);
}

function downloadError(message: string, cause?: unknown): PipelineError {
  return new PipelineError('SERVICE_INSTALL_FAILED', message, { cause });
}

/** Builds the `temporal` program. */
function buildTemporal(content: string, scratch: string, log: string): Promise<void> {
  const args = ['install', '-ldflags=-s -w', `github.com/temporalio/cli/cmd/temporal@v${VERSION}`];
  const command = goCommand(args, scratch, { GOBIN: content });
  return runLoggedCommand(`Building Temporal ${VERSION}`, command, log);
}

/** Reports twice a minute that the work goes on. */
async function withReminders(progress: Progress, work: () => Promise<void>): Promise<void> {
  const began = performance.now();
  const timer = setInterval(() => {
    progress(`temporal: still building, for ${Math.round((performance.now() - began) / 1000)} s`);
  }, REMINDER_INTERVAL_MS);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
}
