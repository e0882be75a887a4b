import { formatNumber } from '../../model/figures.ts';
import { escapeLines } from '../../model/printable.ts';
import type { TableState } from '../tables/table-state.ts';
import { SECTIONS, figureOf, type Figures } from './figures.ts';
import { Formats, isNumeric } from './formats.ts';
import { Markup, html, jsonMarkup, type HtmlValue } from './html.ts';
import {
  numberCell,
  sumOf,
  textCell,
  type ReportColumn,
  type ReportPart,
  type ReportScope,
  type ResultRow,
} from './part.ts';
import { STYLE } from './style.ts';

/** The data of a report page. */
export interface Report {
  readonly scope: ReportScope;
  readonly figures: Figures;
  /** The state of the tables when they were queried. */
  readonly tables: readonly TableState[];
}

/** Tables with more rows are collapsed, since a chart or a sentence above summarizes them. */
const MAX_OPEN_ROWS = 8;

/** The Content-Security-Policy: the page loads nothing and runs no scripts. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

/** Renders the report as one self-contained HTML page. */
export function renderPage(report: Report): string {
  const { scope, figures } = report;
  const formats = new Formats(scope.timeZone);
  const title = scope.source === undefined ? 'Assessment attempts' : `Assessment attempts of ${scope.source}`;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <style>
          ${new Markup(STYLE)}
        </style>
      </head>
      <body>
        <a class="skip" href="#content">Skip to the content</a>
        <div class="page">
          ${headerOf(title, report, formats)}
          <div class="columns">
            ${contentsOf()}
            <main id="content">
              ${SECTIONS.map(
                (section) =>
                  html`<section id="${section.name}">
                    <h2>${section.title}</h2>
                    ${section.parts.map((part) => articleOf(part, figures, formats))}
                  </section>`,
              )}
            </main>
          </div>
          ${footerOf(report, formats)}
        </div>
        <script type="application/json" id="figures">
          ${jsonMarkup(dataOf(report))}
        </script>
      </body>
    </html> `;
  // Escapes bidirectional marks, which would reorder neighbouring text, in texts, attributes and charts.
  return `${escapeLines(page.text.trim())}\n`;
}

/** Returns the report as JSON data; the page embeds it in its element `figures`. */
export function dataOf({ scope, figures, tables }: Report): object {
  return {
    source: scope.source ?? null,
    timeZone: scope.timeZone,
    deduplicated: scope.deduplicated,
    madeAt: scope.now.toISOString(),
    figures: Object.fromEntries(figures),
    tables,
  };
}

function headerOf(title: string, { scope, figures }: Report, f: Formats): Markup {
  const [overview] = figureOf(figures, 'overview').rows;
  return html`<header>
    <p class="kicker">Report</p>
    <h1>${title}</h1>
    <p>
      Started from ${f.day(textCell(overview, 'first_started_at'))} to
      ${f.day(textCell(overview, 'last_started_at'))}. ${countedOf(scope)} Times are in ${f.timeZone}. Created
      <time datetime="${scope.now.toISOString()}">${f.time(scope.now.toISOString())}</time>.
    </p>
    <dl class="keys">
      ${keysOf(figures, f).map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
  </header>`;
}

function countedOf({ deduplicated }: ReportScope): string {
  return deduplicated
    ? 'Each attempt counts once, however often it was delivered.'
    : 'Each delivery counts, so an attempt that was delivered twice counts twice.';
}

function keysOf(figures: Figures, f: Formats): [string, string][] {
  const firstOf = (name: string): ResultRow | undefined => figureOf(figures, name).rows[0];
  const overview = firstOf('overview');
  const scores = figureOf(figures, 'scores').rows;
  const time = firstOf('time');
  const keys: [string, string][] = [
    ['exams taken', f.count(numberCell(overview, 'exams'))],
    ['people', f.count(numberCell(overview, 'users'))],
    ['different exams', f.count(numberCell(overview, 'exam_names'))],
  ];
  if (scores.length > 0)
    keys.push(['mean score', f.share(sumOf(scores, 'score_sum') / sumOf(scores, 'attempts'))]);
  if (numberCell(time, 'timed') > 0)
    keys.push(['median time on an exam', f.duration(numberCell(time, 'median'))]);
  keys.push(
    ['redundant deliveries', f.count(numberCell(firstOf('redeliveries'), 'redeliveries'))],
    ['messages in quarantine', f.count(sumOf(figureOf(figures, 'quarantined').rows, 'messages'))],
  );
  return keys;
}

function contentsOf(): Markup {
  return html`<nav aria-labelledby="contents">
    <h2 id="contents">Contents</h2>
    <ol>
      ${SECTIONS.map(
        (section) =>
          html`<li>
            <a href="#${section.name}">${section.title}</a>
            <ol class="parts">
              ${section.parts.map((part) => html`<li><a href="#${part.name}">${part.title}</a></li>`)}
            </ol>
          </li>`,
      )}
    </ol>
  </nav>`;
}

function articleOf(part: ReportPart, figures: Figures, f: Formats): Markup {
  const { rows, sql } = figureOf(figures, part.name);
  return html`<article id="${part.name}" aria-labelledby="${part.name}-title">
    <h3 id="${part.name}-title">${part.title}</h3>
    <p>${part.says(rows, f)}</p>
    ${part.note === undefined ? '' : html`<p class="note">${part.note}</p>`}
    ${part.chart === undefined || rows.length === 0 ? '' : part.chart(rows, f)} ${foldedTable(part, rows, f)}
    <details class="sql">
      <summary>SQL query<span class="hidden">: ${part.title}</span></summary>
      <pre tabindex="0"><code>${sql}</code></pre>
    </details>
  </article>`;
}

function foldedTable(part: ReportPart, rows: readonly ResultRow[], f: Formats): HtmlValue {
  if (rows.length === 0) return '';
  const [only] = rows;
  if (only !== undefined && part.isOneRow === true) return listOf(part, only, f);
  const table = tableOf({ title: part.title, columns: part.columns, isTitled: true }, rows, f);
  if (rows.length <= MAX_OPEN_ROWS && part.chart === undefined) return table;
  return html`<details>
    <summary>${rows.length === 1 ? 'The row' : `The ${formatNumber(rows.length)} rows`} in a table</summary>
    ${table}
  </details>`;
}

/** Renders a single row as a list of its columns. */
function listOf({ title, columns }: ReportPart, row: ResultRow, f: Formats): Markup {
  return html`<table class="list">
    <caption class="hidden">
      ${title}
    </caption>
    <tbody>
      ${columns.map(
        ({ name, head, format }) =>
          html`<tr>
            <th scope="row">${head}</th>
            <td${classOf(format)}>${f.cell(row[name], format)}</td>
          </tr> `,
      )}
    </tbody>
  </table>`;
}

interface TableHead {
  readonly title: string;
  readonly columns: readonly ReportColumn[];
  /** Whether a heading above already shows the title, so that the caption is only for screen readers. */
  readonly isTitled: boolean;
}

function tableOf({ title, columns, isTitled }: TableHead, rows: readonly ResultRow[], f: Formats): Markup {
  return html`<div class="scroller" role="region" tabindex="0" aria-label="Table: ${title}">
    <table>
      <caption${isTitled ? html` class="hidden"` : ''}>
        ${title}
      </caption>
      <thead>
        <tr>
          ${columns.map(({ head, format }) => html`<th scope="col" ${classOf(format)}>${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${columns.map(({ name, format }, index) => cellOf(f.cell(row[name], format), format, index === 0))}
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`;
}

function cellOf(content: Markup, format: ReportColumn['format'], isHead: boolean): Markup {
  return isHead
    ? html`<th scope="row" ${classOf(format)}>${content}</th>`
    : html`<td${classOf(format)}>${content}</td>`;
}

function classOf(format: ReportColumn['format']): Markup {
  return isNumeric(format) ? html` class="number"` : html``;
}

function footerOf({ figures, tables, scope }: Report, f: Formats): Markup {
  const run = figureOf(figures, 'runs').rows.find((row) => row['outcome'] === 'landed');
  const rows = tables.map((table) => ({ ...table }));
  return html`<footer>
    <h2 id="origin">Data source</h2>
    <p>
      The tables at their versions of
      <time datetime="${scope.now.toISOString()}">${scope.now.toISOString()}</time>.
      ${
        run === undefined
          ? 'No run has landed anything yet.'
          : html`The last run that landed something is <code>${textCell(run, 'workflow_id')}</code>, run id
              <code>${textCell(run, 'run_id')}</code>.`
      }
      Each query on this page can be run again with <code>pipeline query</code>.
    </p>
    ${tableOf({ title: 'Table versions', columns: TABLE_COLUMNS, isTitled: false }, rows, f)}
  </footer>`;
}

const TABLE_COLUMNS: readonly ReportColumn[] = [
  { name: 'name', head: 'Table', format: 'code' },
  { name: 'version', head: 'Version', format: 'count' },
  { name: 'rows', head: 'Rows', format: 'count' },
  { name: 'files', head: 'Files', format: 'count' },
  { name: 'lastCommit', head: 'Last commit', format: 'time' },
];
