import type { Json } from '@duckdb/node-api';
import { fieldLines } from '../../model/field-counts.ts';
import { formatBytes, formatCount, formatNumber } from '../../model/figures.ts';
import { reasonLines } from '../../model/reasons.ts';
import { shorten } from '../../model/printable.ts';
import { formatTable } from '../cli/output.ts';
import type { SampleReport, PreviewedTable } from './check-sample.ts';
import type { Sample } from './sample.ts';

/** Characters of a table's first values, and of a path or reason in a line. */
const LONGEST_EXAMPLE = 48;
const LONGEST_DATA = 200;

/** A preview for people. */
export function formatPreview(
  subject: string,
  sample: Sample,
  judged: SampleReport,
  overLimit: string | undefined,
): string[] {
  return [
    formatHead(subject, sample),
    `${formatCount(judged.landed, 'record')} would land, ${formatNumber(judged.quarantined)} would be quarantined.`,
    ...formatBad(judged),
    ...(overLimit === undefined ? [] : [`A run would wait for a person: ${overLimit}`]),
    ...fieldLines(judged.unknown),
    ...judged.tables.flatMap(formatPreviewed),
    '',
    'Nothing was written anywhere.',
  ];
}

function formatHead(subject: string, { records, bytes, format, whole }: Sample): string {
  const kind = format === 'json-array' ? 'a JSON array' : 'a record a line';
  const seen = `${formatCount(records.length, 'record')}, ${formatBytes(bytes)}`;
  return `${subject}: ${kind}; ${whole ? `all of it was looked at: ${seen}` : `its beginning was looked at: ${seen}`}`;
}

function formatBad({ reasons, bad, quarantined }: SampleReport): string[] {
  if (quarantined === 0) return [];
  const places = bad.map((place) => formatNumber(place + 1)).join(', ');
  return [
    ...reasonLines(reasons).map((line) => `  ${shorten(line, LONGEST_DATA)}`),
    `  by their place from 1: ${places}${bad.length < quarantined ? ', …' : ''}`,
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
    cellCharacters: LONGEST_EXAMPLE,
  });
  return ['', `${table}: ${formatCount(rows, 'row')}`, ...shown];
}

function formatExample(example: Json): string {
  if (example === null) return '';
  return typeof example === 'string' ? example : JSON.stringify(example);
}
