import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import { generateAttempts } from '../../simulator/generator.ts';
import { DEFAULT_PORTS, findUsedPort } from '../../services/ports.ts';
import { ROOT } from '../support/harness.ts';

const PORTS = [...Object.values(DEFAULT_PORTS).flatMap((ports) => Object.values(ports)), 8235, 8300, 8301];

/** The demo has the usual ports, as a user's has; one that is up already is left alone. */
const taken = await findUsedPort(PORTS);
const skip =
  taken === undefined || process.env['CI'] === 'true' ? false : `port ${taken} is taken, perhaps by a demo`;

describe('the demo', { skip }, () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pipeline-demo-'));
  });

  after(async () => {
    await npm('stop');
    await rm(folder, { recursive: true, force: true });
  });

  async function npm(...words: string[]): Promise<string> {
    const child = spawn('npm', ['run', '--silent', ...words], {
      cwd: ROOT,
      env: { ...process.env, PIPELINE_SERVICES: join(folder, 'services') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (piece: string) => (output += piece));
    }
    const [code] = (await once(child, 'close')) as [number | null];
    assert.equal(code, 0, output);
    return output;
  }

  test('sets up everything, lands generated attempts, answers the questions and leaves all up', async () => {
    const output = await npm('demo');
    assert.match(output, /pearson landed/);
    assert.match(output, /│ fetch +│ +3,280 │ +3,280 │/);
    assert.match(output, /│ land +│ +3,280 │ +3,280 │/);
    assert.match(output, /How many exams were taken.*\n.*\n.*\n.*\n│ +3,242 │/);
    const [, report = ''] = /^Report +(file:\S+)$/m.exec(output) ?? [];
    assert.match(await readFile(new URL(report), 'utf8'), /<h1>Assessment attempts of pearson<\/h1>/);
    assert.match(output, /npm run stop/);
    for (const url of ['http://127.0.0.1:8235/healthz', 'http://127.0.0.1:8233/', 'http://127.0.0.1:9870/']) {
      assert.equal((await fetch(url)).status, 200, url);
    }
  });

  test('a second time finds everything up and lands nothing twice', async () => {
    const output = await npm('demo');
    assert.match(output, /was up already/);
    assert.match(output, /pearson is unchanged/);
    assert.match(output, /How many exams were taken.*\n.*\n.*\n.*\n│ +3,242 │/);
  });

  test('of a given file queries its attempts, and stops everything with --exit', async () => {
    const file = join(folder, 'given.json');
    await writeFile(file, JSON.stringify([...generateAttempts({ seed: 9, count: 10 })]));
    const output = await npm('demo', '--', '--data', file, '--exit');
    assert.match(output, /given landed/);
    assert.match(output, /│ land +│ +10 │ +10 │/);
    assert.match(output, /everything is stopped/);
    assert.equal(await findUsedPort(PORTS), undefined);
  });
});
