import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseSettings } from '../../model/settings.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const lines = read('Dockerfile').replaceAll('\\\n', ' ').split('\n');
const settings = parseSettings(read('docker/pipeline.yaml'), 'docker/pipeline.yaml');

void describe('Dockerfile', () => {
  const copied = instructions('COPY')
    .filter((copy) => !copy.startsWith('--from'))
    .flatMap((copy) => copy.split(/\s+/).slice(0, -1));

  it('copies only what there is, and what .dockerignore lets through', () => {
    const allowed = read('.dockerignore').split('\n');
    for (const path of copied) {
      assert.ok(existsSync(join(ROOT, path)), path);
      assert.ok(allowed.includes(`!${path.replace(/\/$/, '')}`), path);
    }
  });

  it('copies every module that the worker, the workflows, the command line and the platform import', () => {
    const entries = ['worker/main.ts', 'workflows/index.ts', 'client/cli/main.ts', 'simulator/main.ts'];
    for (const module of reachable(entries))
      assert.ok(
        copied.some((path) => module.startsWith(path)),
        module,
      );
  });

  it('builds on one pinned image of a Node that is supported', () => {
    const stages = instructions('FROM').map((from) => from.split(' '));
    const names = new Set(stages.map(([, , name]) => name));
    const images = new Set(stages.flatMap(([image = '']) => (names.has(image) ? [] : [image])));
    const [image = ''] = images;
    assert.equal(images.size, 1);
    assert.match(image, /^node:24\.\d+\.\d+-[a-z]+-slim$/);
  });

  it('ends as a user that is not root', () => {
    const stage = lines.slice(lines.findIndex((line) => /^FROM .* AS pipeline$/.test(line)));
    assert.deepEqual(
      stage.filter((line) => line.startsWith('USER')),
      ['USER node'],
    );
  });

  it('gives that user the folder of the staging', () => {
    const folder = dirname(settings.worker.staging);
    assert.ok(instructions('RUN').some((run) => run.includes(`chown node:node ${folder}`)));
  });

  it('asks for the health where the worker answers', () => {
    const [check = ''] = instructions('HEALTHCHECK');
    assert.ok(check.includes(`http://127.0.0.1:${settings.worker.healthPort}/healthz`));
  });
});

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Returns the arguments of each occurrence of an instruction in the Dockerfile. */
function instructions(name: string): string[] {
  return lines.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length).trim());
}

/** The modules of this project that some of them lead to, as paths from its folder. */
function reachable(entries: readonly string[]): Set<string> {
  const seen = new Set<string>();
  const waiting = [...entries];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    for (const [, target = ''] of read(path).matchAll(/(?:from|import\() ?'(\.[^']+)'/g))
      waiting.push(normalize(join(dirname(path), target)));
  }
  return seen;
}
