import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findBannedWords } from '../../scripts/banned-words.ts';

test('a banned phrase is found, with its line and what to write', () => {
  const text = ['/** Reads a file. */', 'read(); // reads it anew', "throw new Error('Once more');"].join(
    '\n',
  );
  assert.deepEqual(findBannedWords(text), [
    { line: 2, words: 'anew', instead: 'again, rebuild, or recreate' },
    { line: 3, words: 'Once more', instead: 'again' },
  ]);
});

test('a banned phrase is found across the lines of a comment', () => {
  for (const text of ['/**\n * Waits for so\n   * many.\n */', '// Waits for so\n// many', '# so\n# many']) {
    assert.deepEqual(
      findBannedWords(text).map(({ words }) => words),
      ['so many'],
    );
  }
});

test('a constant is found in capitals alone', () => {
  const text = 'const MOST_RUNS = 8;\nconst ENDS_WITHIN_MS = 1;\nmost_recent();\nwithin_ms();';
  assert.deepEqual(
    findBannedWords(text).map(({ line, words }) => `${line} ${words}`),
    ['1 MOST_RUNS', '2 ENDS_WITHIN_MS'],
  );
});

test('a word that contains a banned one is no match', () => {
  assert.deepEqual(findBannedWords('Janew soloed also many, whatsoever; MOSTLY_X'), []);
});
