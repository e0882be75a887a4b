import type { Json } from '@duckdb/node-api';
import { formatBytes, formatCount, formatNumber } from '../../model/figures.ts';
import { reasonLines } from '../../model/reasons.ts';
import { formatTable } from '../output.ts';
import { escapeText } from '../quarantine/escape.ts';
import type { Judgement, PreviewedTable } from './judge.ts';
import type { Sample } from './sample.ts';

const LONGEST_EXAMPLE = 48;

/** A preview for people. */
export function formatPreview(
  subject: string,
  sample: Sample,
  judged: Judgement,
  overLimit: string | undefined,
): string {
  return [
    formatHead(subject, sample),
    `${formatCount(judged.landed, 'record')} would land, ${formatNumber(judged.quarantined)} would be quarantined.`,
    ...formatBad(judged),
    ...(overLimit === undefined ? [] : [`A run would wait for a person: ${escapeText(overLimit)}`]),
    ...[...judged.unknown].map(
      ([path, count]) => `no table knows the field ${escapeText(path)}: met ${formatCount(count, 'time')}`,
    ),
    ...judged.tables.map(formatPreviewed),
    '\nNothing was written anywhere.',
  ].join('\n');
}

function formatHead(subject: string, { records, bytes, format, whole }: Sample): string {
  const kind = format === 'json-array' ? 'a JSON array' : 'a record a line';
  const seen = `${formatCount(records.length, 'record')}, ${formatBytes(bytes)}`;
  return `${escapeText(subject)}: ${kind}; ${whole ? `all of it was looked at: ${seen}` : `its beginning was looked at: ${seen}`}`;
}

function formatBad({ reasons, bad, quarantined }: Judgement): string[] {
  if (quarantined === 0) return [];
  const places = bad.map((place) => formatNumber(place + 1)).join(', ');
  return [
    ...reasonLines(reasons).map((line) => `  ${escapeText(line)}`),
    `  by their place from 1: ${places}${bad.length < quarantined ? ', …' : ''}`,
  ];
}

function formatPreviewed({ table, rows, columns }: PreviewedTable): string {
  const lines = columns.map(({ name, type, values, example }) => [
    name,
    type,
    values,
    formatExample(example),
  ]);
  return `\n${table}: ${formatCount(rows, 'row')}\n${formatTable(['column', 'type', 'values', 'first value'], lines)}`;
}

function formatExample(example: Json): string {
  if (example === null) return '';
  const text = escapeText(typeof example === 'string' ? example : JSON.stringify(example));
  const characters = Array.from(text);
  if (characters.length <= LONGEST_EXAMPLE) return text;
  return `${characters.slice(0, LONGEST_EXAMPLE - 1).join('')}…`;
}
