import { CancellationScope, defineQuery, setHandler } from '@temporalio/workflow';
import type { EraseRequest, EraseResult, TableErasure } from '../model/erasure.ts';
import { erasureOf } from './activity-proxies.ts';
import { requireEraseRequest } from './erase-request.ts';

/** Returns what a run of `erase` has done so far. */
export const erasureStatus = defineQuery<EraseResult>('status');

/**
 * The tables with rows of persons. Those that name persons come last, and `deliveries`, by which an erasure that was
 * interrupted goes on, is the last of them.
 */
const TABLES_OF_PERSONS = [
  'replays',
  'options',
  'questions',
  'attempts',
  'quarantine',
  'deliveries',
] as const;

/**
 * Erases persons of a source from all tables. First nothing of them lands any more; then their messages are found, once for
 * all persons; then each table is rewritten without them, and every file with rows of them is deleted. It runs beside
 * landings. Each step is idempotent, so a run that failed is repeated by starting it again.
 * @throws {ApplicationFailure} REQUEST_INVALID, or the failure of a step
 */
export async function erase(request: EraseRequest): Promise<EraseResult> {
  requireEraseRequest(request);
  const { source, persons, requestedBy, reason } = request;
  let result: EraseResult = {
    source,
    persons: persons.length,
    messages: 0,
    records: 0,
    tables: [],
    kafka: null,
  };
  setHandler(erasureStatus, () => result);
  try {
    const { suppress } = erasureOf(`suppression of ${persons.length} persons of ${source}`);
    const erasure = await suppress({ source, persons, requestedBy, reason });
    const found = await erasureOf(`messages of the persons`).findMessages(erasure);
    result = { ...result, ...found };
    for (const table of TABLES_OF_PERSONS) {
      const erased: TableErasure = await erasureOf(`rows of ${table}`).eraseTable({ table, erasure });
      result = { ...result, tables: [...result.tables, erased] };
    }
    result = { ...result, kafka: await erasureOf('retention of the topic').kafkaExpiry(erasure) };
    const record = { erasure, result, requestedBy, reason };
    await erasureOf('the row in the table erasures').recordErasure(record);
  } finally {
    await CancellationScope.nonCancellable(() => erasureOf('temporary files').cleanUp());
  }
  return result;
}
