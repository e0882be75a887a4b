import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { after, before, describe } from 'node:test';
import axe, { type AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { SECTIONS } from '../../client/report/figures.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import { TestPipeline } from '../support/harness.ts';
import { launchBrowser } from './browser.ts';
import { uiSkipReason } from './chromium.ts';

/** Data that a page must not interpret as its own markup. */
const HOSTILE = '</script><script>document.title = "taken"</script><img src=x onerror=alert(1)> & "Söhne"';

const WIDTHS = [375, 900, 1440];
const SCHEMES = ['light', 'dark'] as const;

type Rows = readonly Readonly<Record<string, string | number | null>>[];

describe('the report', { skip: uiSkipReason() }, () => {
  let pipeline: TestPipeline;
  let browser: Browser;
  let file = '';
  let redelivered = 0;
  const faults: string[] = [];

  before(async () => {
    pipeline = await TestPipeline.create({
      acme: { url: 'file:acme.json' },
      empty: { url: 'file:acme.json' },
    });
    const records = [...generateAttempts({ seed: 3, count: 1200 })].map((attempt, at) => {
      if (at % 100 === 7) return { ...attempt, max_attempts: 'many' };
      return at % 40 === 3 ? { ...attempt, exam_name: HOSTILE } : attempt;
    });
    const sent = [...records, ...records.slice(0, 5)];
    const landed = sent.filter(({ max_attempts }) => max_attempts !== 'many');
    redelivered = landed.length - new Set(landed.map(({ keen_id }) => keen_id)).size;
    await pipeline.placeFiles({ 'acme.json': JSON.stringify(sent) });
    file = join(pipeline.folder, 'report.html');
    browser = await launchBrowser();
  });

  after(async () => {
    await browser.close();
    await pipeline.close();
  });

  /** Opens the page as a file without a network; other requests and logged errors are faults. */
  async function open(width: number, colorScheme: (typeof SCHEMES)[number] = 'light'): Promise<Page> {
    const context = await browser.newContext({
      viewport: { width, height: 900 },
      colorScheme,
      offline: true,
    });
    const page = await context.newPage();
    const url = pathToFileURL(file).href;
    page.on('console', (message) => faults.push(message.text()));
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('request', (request) => request.url() === url || faults.push(`asked for ${request.url()}`));
    await page.goto(url);
    return page;
  }

  test('is refused before anything has landed, and leaves no file', async () => {
    const { code, stderr } = await pipeline.command('report', '--source', 'acme', '--output', file);
    assert.equal(code, 1);
    assert.match(stderr, /^REPORT_EMPTY: no attempt of acme is in the tables of /);
    assert.equal(existsSync(file), false);
  });

  test('rejects invalid options, each by its name', async () => {
    for (const [words, says] of [
      [['--time-zone', 'Europe/Atlantis'], /^USAGE_INVALID: .*Europe\/Atlantis.*as Europe\/Berlin/],
      [['--source', 'nobody'], /^SOURCE_UNKNOWN: .*"nobody"/],
      [['--output', join(pipeline.folder, 'none/report.html')], /^USAGE_INVALID: .*there is no folder/],
    ] as const) {
      const { code, stderr } = await pipeline.command('report', ...words);
      assert.equal(code, 2, stderr);
      assert.match(stderr, says);
    }
  });

  test('is written atomically, and replaces a file only with --force', async () => {
    await pipeline.startWorker();
    const started = await pipeline.command('start', 'acme', '--follow');
    assert.equal(started.code, 0, started.stderr);
    const { code, stdout, stderr } = await pipeline.command('report', '--output', file);
    assert.equal(code, 0, stderr);
    assert.ok(stdout.startsWith(file));
    const again = await pipeline.command('report', '--output', file);
    assert.equal(again.code, 2);
    assert.match(again.stderr, /that file exists; --force replaces it/);
  });

  test('of a source without attempts is rejected, even if other sources have some', async () => {
    const { code, stderr } = await pipeline.command('report', '--json', '--source', 'empty');
    assert.equal(code, 1);
    assert.match(stderr, /"REPORT_EMPTY"/);
  });

  test('shows each figure of its data, as text and not as HTML', async () => {
    const page = await open(1440);
    const data = JSON.parse((await page.locator('#figures').textContent()) ?? '') as {
      figures: Record<string, { sql: string; rows: Rows }>;
    };
    assert.equal(await page.title(), 'Assessment attempts');
    let hostile = 0;
    for (const { name, columns } of SECTIONS.flatMap(({ parts }) => parts)) {
      const { sql, rows } = data.figures[name] ?? assert.fail(name);
      const article = page.locator(`article[id="${name}"]`);
      assert.equal(await article.locator('pre').textContent(), sql);
      const cells = await page.evaluate<string[][]>(
        `[...document.getElementById('${name}').querySelectorAll('table')].flatMap((table) =>
          table.matches('.list')
            ? [[...table.querySelectorAll('td')]]
            : [...table.querySelectorAll('tbody tr')].map((line) => [...line.children]))
          .map((line) => line.map((cell) => cell.textContent.trim()))`,
      );
      assert.equal(cells.length, rows.length, name);
      for (const [at, row] of rows.entries()) {
        for (const [place, column] of columns.entries()) {
          const value = row[column.name] ?? null;
          const shown = cells[at]?.[place] ?? '';
          if (value === null) assert.equal(shown, '–');
          else if (column.format === 'text' || column.format === 'code') assert.equal(shown, value);
          else if (column.format === 'count') assert.equal(Number(shown.replaceAll(',', '')), value, name);
          if (value === HOSTILE) hostile += 1;
        }
      }
    }
    assert.ok(hostile >= 2, 'the hostile name was met in the tables');
    assert.equal(await page.locator('main script, main img').count(), 0);
    assert.equal(data.figures['redeliveries']?.rows[0]?.['redeliveries'], redelivered);
    assert.equal(data.figures['quarantined']?.rows[0]?.['messages'], 12);
    await page.context().close();
  });

  for (const width of WIDTHS) {
    for (const scheme of SCHEMES) {
      test(`has no accessibility violations and fits at width ${width}, ${scheme}`, async () => {
        const page = await open(width, scheme);
        assert.equal(await widthOf(page), width);
        await page.evaluate(`document.querySelectorAll('details').forEach((one) => { one.open = true; })`);
        assert.equal(await widthOf(page), width, 'with all that is folded open');
        await page.evaluate(axe.source);
        // Dark mode differs only in its colours.
        const rules = scheme === 'light' ? '' : `{ runOnly: ['color-contrast'] }`;
        const { violations, passes } = await page.evaluate<AxeResults>(`axe.run(${rules})`);
        assert.deepEqual(
          violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html.slice(0, 200) ?? ''}`),
          [],
        );
        assert.ok(passes.length > (scheme === 'light' ? 20 : 0), 'the rules were tried');
        await page.context().close();
      });
    }
  }

  test('is printed dark on white in dark mode too, without collapsed sections', async () => {
    const page = await open(1440, 'dark');
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    const style = 'getComputedStyle(document.body)';
    const colours = await page.evaluate(`[${style}.backgroundColor, ${style}.color]`);
    assert.deepEqual(colours, ['rgb(255, 255, 255)', 'rgb(31, 38, 48)']);
    assert.equal(await page.locator('nav, details').filter({ visible: true }).count(), 0);
    assert.ok((await page.locator('.chart').filter({ visible: true }).count()) > 5);
  });

  test('requests no other resource, and logs no error', () => {
    assert.deepEqual(faults, []);
  });
});

async function widthOf(page: Page): Promise<unknown> {
  return page.evaluate('document.documentElement.scrollWidth');
}
