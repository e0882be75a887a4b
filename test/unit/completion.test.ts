import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, describe } from 'node:test';
import { runPipelineCommand } from '../support/harness.ts';

/** Typed words, the last one being completed, and a required suggestion. */
const TYPED: readonly (readonly [words: readonly string[], offered: readonly string[]])[] = [
  [['st'], ['start', 'status']],
  [
    ['schedule', 's'],
    ['set', 'show'],
  ],
  [['schedule', 'set', 'one', '--ev'], ['--every']],
  [['report', '--t'], ['--time-zone']],
  [['report', '--source', 't'], ['two-more']],
  [['list', '--st'], ['--state']],
  [
    ['list', '--state', 't'],
    ['terminated', 'timed-out'],
  ],
  [
    ['list', '--source', ''],
    ['one', 'two-more'],
  ],
  [['start', 't'], ['two-more']],
  [
    ['tables', 'att'],
    ['attempts', 'attempts_deduplicated'],
  ],
  [['history', 'att'], ['attempts']],
  [['query', '--as'], ['--as-of']],
  [
    ['query', '"SELECT count(*) FROM options JOIN que'],
    [
      'SELECT count(*) FROM options JOIN questions',
      'SELECT count(*) FROM options JOIN questions_deduplicated',
    ],
  ],
  [['query', '"FROM attempts, del'], ['FROM attempts, deliveries']],
  [['query', '--expl'], ['--explain']],
  [
    ['query', '$(touch evaluated)', '--fo'],
    ['--force', '--format'],
  ],
];

/** How each shell completes words, with the script in the named file. */
const SHELLS: Readonly<Record<string, (script: string, words: readonly string[]) => string[]>> = {
  bash: (script, words) => [
    '-c',
    `source ${script}; COMP_WORDS=(pipeline ${quoted(words)}); COMP_CWORD=${words.length}; _pipeline; printf '%s\\n' "\${COMPREPLY[@]}"`,
  ],
  fish: (script, words) => [
    '-Nc',
    `source ${script}; complete -C ${fishQuoted(`pipeline ${words.map((word) => (word.includes('$') ? fishQuoted(word) : word)).join(' ')}`)} | string split -f1 \\t`,
  ],
};

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(' ');
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`\'`)}'`;
}

describe('completion', () => {
  const folder = mkdtempSync(join(tmpdir(), 'completion-test-'));
  writeFileSync(
    join(folder, 'pipeline.yaml'),
    'kafka:\n  brokers: [one:1]\nsources:\n  # not: this\n  one:\n    topic: t\n\n  two-more:\n    topic: t\nlimits:\n  batchBytes: 1\n',
  );
  after(() => {
    rmSync(folder, { recursive: true });
  });

  for (const [shell, wordsFor] of Object.entries(SHELLS)) {
    const missing = spawnSync(shell, ['-c', 'true']).error !== undefined;
    test(
      `${shell} completes commands, options, sources and tables`,
      { skip: missing && `no ${shell}` },
      async () => {
        const { code, stdout, stderr } = await runPipelineCommand(['completion', shell], {});
        assert.equal(code, 0, stderr);
        const script = join(folder, `script.${shell}`);
        writeFileSync(script, stdout);
        for (const [words, offered] of TYPED) {
          const ended = spawnSync(shell, wordsFor(script, words), { cwd: folder, encoding: 'utf8' });
          const found = ended.stdout.split('\n').filter((word) => word !== '');
          assert.deepEqual(found.sort(), offered, `${words.join(' ')}: ${ended.stderr}`);
        }
        const left = spawnSync('ls', [folder], { encoding: 'utf8' }).stdout;
        assert.doesNotMatch(left, /evaluated/, 'what is typed is not evaluated');
      },
    );
  }

  test('an unknown shell is refused, and the supported ones are named', async () => {
    const { code, stderr } = await runPipelineCommand(['completion', 'tcsh'], {});
    assert.equal(code, 2);
    assert.match(stderr, /Allowed choices are bash, zsh, fish/);
  });
});
