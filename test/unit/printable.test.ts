import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { csvField } from '../../client/query/csv.ts';
import { formatTable } from '../../client/cli/output.ts';
import { escapeJson, escapeLines, escapeText, safeJson, shorten } from '../../model/printable.ts';
import { FORBIDDEN, HOSTILE } from '../support/hostile.ts';

test('exactly the Unicode characters that act on a terminal or hide are escaped', () => {
  for (let code = 0; code <= 0x10ffff; code += 1) {
    const character = String.fromCodePoint(code);
    const isUnsafe = /[\p{C}\p{Zl}\p{Zp}\p{DI}]/u.test(character);
    const escaped = escapeText(character);
    assert.equal(escaped === character, !isUnsafe, code.toString(16));
    if (isUnsafe) assert.match(escaped, /^\\([nrt]|x[\da-f]{2}|u\{[\da-f]{3,6}\})$/);
  }
});

test('a text becomes one line, JSON parses to the same value, and lines keep their breaks', () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(...HOSTILE));
  fc.assert(
    fc.property(text, text, (one, other) => {
      const value = { [one]: [other, `${one}\n${other}`] };
      for (const json of [safeJson(value), safeJson(value, 2), escapeJson(JSON.stringify(value))]) {
        assert.doesNotMatch(json, FORBIDDEN);
        assert.deepEqual(JSON.parse(json), value);
      }
      assert.doesNotMatch(escapeText(one + other), FORBIDDEN);
      assert.ok(!escapeText(one).includes('\n'));
      assert.doesNotMatch(escapeLines(one).replaceAll('\t', ''), FORBIDDEN);
      assert.equal(escapeLines(one).split('\n').length, one.split('\n').length);
    }),
  );
});

test('a long text is truncated between characters, with its length', () => {
  assert.equal(shorten('x'.repeat(800_000), 200), `${'x'.repeat(200)}… (800,000 characters)`);
  assert.equal(shorten('🙂'.repeat(300), 5), '🙂🙂🙂🙂🙂… (300 characters)');
  assert.equal(shorten('ab\u001b[31m', 5), 'ab… (7 characters)');
  assert.equal(shorten('🙂'.repeat(200), 200), '🙂'.repeat(200));
});

test('a table has one line per row whatever is in its cells, escaped and truncated', () => {
  const cells = [...HOSTILE, '表表', 'e\u0301', '┌──┐\n│ x│', 'x'.repeat(800_000)];
  const lines = formatTable(
    ['cell', 'count'],
    cells.map((cell, at) => [cell, at]),
  );
  assert.equal(lines.length, cells.length + 4);
  for (const line of lines) {
    assert.doesNotMatch(line, FORBIDDEN);
    assert.ok(line.length < 300);
    assert.match(line, /^[│┌├└].*[│┐┤┘]$/u);
  }
});

test('a table’s columns are aligned in every script', () => {
  const cells: readonly (readonly [text: string, columns: number])[] = [
    ['plain', 5],
    ['é é', 3],
    ['ข้อสอบที่', 6],
    ['שָׁלוֹם', 4],
    ['مُحَمَّد', 4],
    ['x\u20dd\u0489', 1],
    ['각', 2],
    ['表カナ!', 7],
    ['🙂👍', 4],
    ['', 0],
  ];
  const [top = '', , , ...rows] = formatTable(['🙂 ข้', 'n'], cells);
  for (const [at, [text, columns]] of cells.entries()) {
    const begin = `│ ${text}`;
    const rest = (rows[at] ?? '').slice(begin.length);
    assert.ok(rows[at]?.startsWith(begin), rows[at]);
    assert.equal(columns + rest.length, top.length - 2, `${text} is followed by ${rest}`);
  }
  // One at the beginning would combine with the border.
  assert.match(formatTable(['n'], [['\u0e49x']])[3] ?? '', /^│ ◌\u0e49x +│$/);
});

test('a CSV for a spreadsheet has no formulas, and numbers stay numbers', () => {
  const style = { isForTerminal: false, isForSpreadsheet: true };
  for (const begin of ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
    assert.match(csvField(`${begin}1+1`, style, false), /^"'/, JSON.stringify(begin));
  assert.equal(csvField('=HYPERLINK("x")', style, false), `"'=HYPERLINK(""x"")"`);
  assert.equal(csvField('plain; =1', style, false), '"plain; =1"');
  assert.equal(csvField(-5, style, true), '-5');
  assert.equal(csvField('-9223372036854775808', style, true), '-9223372036854775808');
  assert.equal(csvField(null, style, false), '');
  for (const text of HOSTILE) assert.doesNotMatch(csvField(text, style, false), FORBIDDEN);
});

test('a CSV is exact for programs, and safe in a terminal', () => {
  for (const text of HOSTILE) {
    const exact = csvField(text, { isForTerminal: false, isForSpreadsheet: false }, false);
    assert.equal(exact.replace(/^"|"$/g, '').replaceAll('""', '"'), text);
    const shown = csvField(text, { isForTerminal: true, isForSpreadsheet: false }, false);
    assert.doesNotMatch(shown, FORBIDDEN);
    assert.ok(!shown.includes('\n'));
  }
});
