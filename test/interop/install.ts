import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PipelineError } from '../../model/errors.ts';
import { runLoggedCommand } from '../../services/command.ts';
import { cacheFolder, installOnce } from '../../services/install.ts';
import { fetchJars, jarsBesidePom } from '../../services/jars.ts';
import { onPath } from '../../services/tools.ts';

/** The interpreters and jars for other readers. */
export interface Readers {
  /** A Python that has pyspark and deltalake. */
  readonly python: string;
  /** The folder of the jars that Spark needs besides its own. */
  readonly jars: string;
}

/** The folder of the notebooks, whose packages the other programs in Python share. */
export const NOTEBOOKS = join(import.meta.dirname, '../../notebooks');

/** Names the jars with which Spark reads and writes Delta. */
export const INTEROP_POM = join(import.meta.dirname, 'pom.xml');

const MIN_PYTHON = [3, 11] as const;
const PYTHON_ADVICE = `Spark and delta-rs run under Python ${MIN_PYTHON.join('.')} or later with venv: apt install python3-venv, or brew install python.`;

/** Prints the version, and fails where Debian's Python has no venv. */
const ASK_PYTHON = 'import ensurepip, sys; print("%d.%d" % sys.version_info[:2])';

/**
 * Why these tests are left out on this machine; false where they can run. In continuous integration they
 * are never left out: there a missing tool fails them.
 */
export function interopSkipReason(): string | false {
  if (process.env['CI'] === 'true') return false;
  if (pythonVersion() === undefined) return PYTHON_ADVICE;
  return onPath('mvn') === undefined && 'Maven fetches the jars of Delta for Spark, and there is no mvn.';
}

/**
 * Fetches what the programs need, once for each change of the notebooks' requirements and of `pom.xml`.
 *
 * @throws PipelineError SERVICE_TOOL_MISSING without Python or Maven, SERVICE_INSTALL_FAILED when it fails.
 */
export async function installReaders(): Promise<Readers> {
  const [python, jars] = await Promise.all([installPython(), installPomJars('interop', INTEROP_POM)]);
  return { python, jars };
}

/**
 * A Python of the tests' own, with its path; it is not fit for another version of Python, so that is part of its name.
 *
 * @throws PipelineError SERVICE_TOOL_MISSING without Python, SERVICE_INSTALL_FAILED when it fails.
 */
export async function installPython(): Promise<string> {
  const version = pythonVersion();
  if (version === undefined) throw new PipelineError('SERVICE_TOOL_MISSING', PYTHON_ADVICE);
  const requirements = join(NOTEBOOKS, 'requirements.txt');
  const name = `python-${version}-${await hashOf(requirements)}`;
  const log = join(cacheFolder(), 'logs', `${name}.log`);
  const folder = await installOnce(join(cacheFolder(), name), async (content) => {
    const python = { program: 'python3', args: ['-m', 'venv', content] };
    await runLoggedCommand('Making a folder for Python’s packages', python, log);
    const pip = ['-m', 'pip', 'install', '--quiet', '--no-input', '--no-cache-dir'];
    const args = [...pip, '--disable-pip-version-check', '--requirement', requirements];
    await runLoggedCommand(
      'Fetching Spark, delta-rs and what runs notebooks',
      { program: join(content, 'bin/python'), args },
      log,
    );
  });
  return join(folder, 'bin/python');
}

/**
 * The folder of the jars that a `pom.xml` names, without those that they name in turn.
 *
 * @param whose Part of the folder's name.
 * @throws PipelineError SERVICE_TOOL_MISSING without Maven, SERVICE_INSTALL_FAILED when it fails.
 */
export async function installPomJars(whose: string, pom: string): Promise<string> {
  const jars = jarsBesidePom(whose, pom);
  const name = `${whose}-jars-${await hashOf(pom, jars.list)}`;
  return installOnce(join(cacheFolder(), name), (content) =>
    fetchJars(jars, content, join(cacheFolder(), 'logs', `${name}.log`)),
  );
}

/** The version of the Python on the PATH, as 3.12; undefined where there is none that is new enough. */
function pythonVersion(): string | undefined {
  const { status, stdout } = spawnSync('python3', ['-c', ASK_PYTHON], { encoding: 'utf8' });
  const [, major, minor] = /^(\d+)\.(\d+)\s*$/.exec(stdout) ?? [];
  if (status !== 0 || Number(major) !== MIN_PYTHON[0] || Number(minor) < MIN_PYTHON[1]) return undefined;
  return `${major}.${minor}`;
}

/** Names what files hold, in a few characters. */
export async function hashOf(...files: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files) hash.update(await readFile(file));
  return hash.digest('hex').slice(0, 8);
}
