import type { Json } from '@duckdb/node-api';
import { fieldLines } from '../../model/field-counts.ts';
import { formatBytes, formatCount, formatNumber } from '../../model/figures.ts';
import { reasonLines } from '../../model/reasons.ts';
import { shorten } from '../../model/printable.ts';
import { formatTable } from '../cli/output.ts';
import type { SampleReport, PreviewedTable } from './check-sample.ts';
import type { Sample } from './sample.ts';

/** Length limits of a table's first values, and of a path or reason in a line. */
const MAX_EXAMPLE_LENGTH = 48;
const MAX_REASON_LINE_LENGTH = 200;

/** Formats a preview for people. */
export function formatPreview(
  subject: string,
  sample: Sample,
  report: SampleReport,
  overLimit: string | undefined,
): string[] {
  return [
    formatHead(subject, sample),
    `${formatCount(report.landed, 'record')} would land, ${formatNumber(report.quarantined)} would be quarantined.`,
    ...formatQuarantined(report),
    ...(overLimit === undefined ? [] : [`A run would wait for a person: ${overLimit}`]),
    ...fieldLines(report.unknown),
    ...report.tables.flatMap(formatPreviewed),
    '',
    'Nothing was written.',
  ];
}

function formatHead(subject: string, { records, bytes, format, whole, isPaged }: Sample): string {
  const kind = format === 'json-array' ? 'a JSON array' : 'one record per line';
  const seen = `${formatCount(records.length, 'record')}, ${formatBytes(bytes)}`;
  const part = isPaged ? 'of its pages, only the first was read' : 'its beginning was read';
  return `${subject}: ${kind}; ${whole ? 'all of it was read' : part}: ${seen}`;
}

function formatQuarantined({ reasons, bad, quarantined }: SampleReport): string[] {
  if (quarantined === 0) return [];
  const numbers = bad.map((index) => formatNumber(index + 1)).join(', ');
  return [
    ...reasonLines(reasons).map((line) => `  ${shorten(line, MAX_REASON_LINE_LENGTH)}`),
    `  record numbers: ${numbers}${bad.length < quarantined ? ', …' : ''}`,
  ];
}

function formatPreviewed({ table, rows, columns }: PreviewedTable): string[] {
  const lines = columns.map(({ name, type, values, example }) => [
    name,
    type,
    values,
    formatExample(example),
  ]);
  const shown = formatTable(['column', 'type', 'values', 'first value'], lines, {
    cellCharacters: MAX_EXAMPLE_LENGTH,
  });
  return ['', `${table}: ${formatCount(rows, 'row')}`, ...shown];
}

function formatExample(example: Json): string {
  if (example === null) return '';
  return typeof example === 'string' ? example : JSON.stringify(example);
}
