import { z } from 'zod';
import { PipelineError } from '../../model/errors.ts';
import type { Metadata } from './actions.ts';

/** Milliseconds; Delta's default of `delta.deletedFileRetentionDuration`. */
export const DEFAULT_FILE_RETENTION_MS = 7 * 24 * 60 * 60 * 1000;

const Configuration = z.record(z.string(), z.string());

const UNIT_MS: Readonly<Record<string, number>> = {
  millisecond: 1,
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 7 * 86_400_000,
};

/**
 * Returns how long the files of older versions are kept, in milliseconds: the table's property
 * `delta.deletedFileRetentionDuration`, or else the default.
 * @throws {PipelineError} TABLE_LOG_INVALID for a property that is not an interval of Delta.
 */
export function fileRetentionOf(metadata: Metadata, defaultMs: number): number {
  return intervalOf(metadata, 'delta.deletedFileRetentionDuration') ?? defaultMs;
}

/**
 * Returns how long log entries are kept, in milliseconds: `delta.logRetentionDuration`, or else the default; undefined
 * if `delta.enableExpiredLogCleanup` is false.
 * @throws {PipelineError} TABLE_LOG_INVALID for a property that is not an interval of Delta.
 */
export function logRetentionOf(metadata: Metadata, defaultMs: number): number | undefined {
  if (configurationOf(metadata)['delta.enableExpiredLogCleanup'] === 'false') return undefined;
  return intervalOf(metadata, 'delta.logRetentionDuration') ?? defaultMs;
}

/** Returns the size that compaction aims at, in bytes: `delta.targetFileSize`, or else the default. */
export function targetFileSizeOf(metadata: Metadata, defaultBytes: number): number {
  const name = 'delta.targetFileSize';
  const text = configurationOf(metadata)[name];
  if (text === undefined) return defaultBytes;
  const [, count = '', unit = ''] = /^(\d{1,12})\s*([kmg]?)b?$/i.exec(text) ?? [];
  const bytes = Number(count) * 1024 ** ['', 'k', 'm', 'g'].indexOf(unit.toLowerCase());
  if (count === '' || bytes < 1) throw invalid(metadata, name, text, 'a size, as 128mb');
  return bytes;
}

/**
 * Requires that the table has no `delta.setTransactionRetentionDuration`: by it, checkpoints of other programs forget each
 * transaction after that time, also the positions of topics, so that messages would land twice.
 * @throws {PipelineError} TABLE_LOG_INVALID
 */
export function requireTransactionsKept(metadata: Metadata | undefined): void {
  if (metadata === undefined) return;
  const name = 'delta.setTransactionRetentionDuration';
  const text = configurationOf(metadata)[name];
  if (text !== undefined)
    throw invalid(metadata, name, text, 'none: by it other programs forget positions of topics; unset it');
}

/** Parses a property in Delta's format of intervals, as "interval 30 days". */
function intervalOf(metadata: Metadata, name: string): number | undefined {
  const text = configurationOf(metadata)[name];
  if (text === undefined) return undefined;
  const parts = [...text.matchAll(/(\d{1,9})\s+(millisecond|second|minute|hour|day|week)s?(?=\s|$)/gi)];
  const isWhole = text.replace(/^\s*interval\s/i, '').trim() === parts.map(([part]) => part).join(' ');
  if (parts.length === 0 || !isWhole)
    throw invalid(metadata, name, text, 'an interval, as "interval 7 days"');
  return parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * (UNIT_MS[(unit ?? '').toLowerCase()] ?? 0),
    0,
  );
}

function configurationOf({ configuration }: Metadata): Readonly<Record<string, string>> {
  const parsed = Configuration.safeParse(configuration ?? {});
  return parsed.success ? parsed.data : {};
}

function invalid({ name }: Metadata, property: string, text: string, expected: string): PipelineError {
  const table = typeof name === 'string' ? `the table ${name}` : 'the table';
  return new PipelineError(
    'TABLE_LOG_INVALID',
    `${table} has the property ${property} = ${JSON.stringify(text.slice(0, 100))}; expected ${expected}`,
  );
}
