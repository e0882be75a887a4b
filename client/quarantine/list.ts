import { z } from 'zod';
import { REASON_KIND, PATH_KIND } from '../../tables/quarantine.ts';
import { formatBytes } from '../../model/figures.ts';
import { formatTable, print, printError, printJson } from '../cli/output.ts';
import { readSettings } from '../../model/settings.ts';
import { toJson } from '../query/values.ts';
import { whereOf, type Filter } from './filter.ts';
import { shortReference } from './reference.ts';
import { NEWEST_FIRST, withQuarantine, type OpenQuarantine } from './rows.ts';

/** The options of `pipeline quarantine list`. */
export interface ListOptions extends Omit<Filter, 'replayed'> {
  readonly replayed?: boolean;
  readonly notReplayed?: boolean;
  readonly limit: number;
  readonly json?: boolean;
}

const Row = z.object({
  reference: z.string(),
  came_at: z.string(),
  step: z.string(),
  source: z.string(),
  kafka_topic: z.string(),
  path: z.string(),
  reason: z.string(),
  size: z.number(),
  replayed_as: z.string().nullable(),
  replayed_at: z.string().nullable(),
});

const Reason = z.object({
  step: z.string(),
  path: z.string(),
  reason: z.string(),
  count: z.number(),
  replayed: z.number(),
});

/** The number of reasons in the summary; the others are summed. */
const MAX_REASONS = 10;

/** The length limit of a path or reason in a table. */
const MAX_CELL_LENGTH = 60;

interface Summary {
  readonly count: number;
  readonly replayed: number;
  readonly reasons: readonly z.infer<typeof Reason>[];
  /** The number of rows with other reasons. */
  readonly others: number;
}

/** Runs `pipeline quarantine list`: lists the quarantined records, newest first, and their reasons. */
export async function listQuarantine({ json, limit, notReplayed, ...options }: ListOptions): Promise<void> {
  const filter = notReplayed === true ? { ...options, replayed: false } : options;
  await withQuarantine(readSettings(), async (quarantine) => {
    const rows = await rowsOf(quarantine, filter, limit);
    const summary = await summaryOf(quarantine, filter);
    if (json === true) printJson({ summary, rows });
    else printList(summary, rows);
  });
}

async function rowsOf(
  { connection }: OpenQuarantine,
  filter: Filter,
  limit: number,
): Promise<z.infer<typeof Row>[]> {
  const result = await connection.runAndReadAll(`
    SELECT reference, came_at, step, source, kafka_topic, path, reason, size, replayed_at,
      CASE WHEN replayed_at IS NULL THEN NULL
        ELSE concat(kafka_topic, '/', replay_partition, '/', replay_offset) END AS replayed_as
    FROM listed WHERE ${whereOf(filter)} ORDER BY ${NEWEST_FIRST} LIMIT ${limit}`);
  return z.array(Row).parse(result.convertRowObjects(toJson));
}

async function summaryOf({ connection }: OpenQuarantine, filter: Filter): Promise<Summary> {
  const result = await connection.runAndReadAll(`
    SELECT step, ${PATH_KIND} AS path, ${REASON_KIND} AS reason, count(*) AS count, count(replayed_at) AS replayed,
      sum(count(*)) OVER () AS all_count, sum(count(replayed_at)) OVER () AS all_replayed
    FROM listed WHERE ${whereOf(filter)}
    GROUP BY ALL ORDER BY count DESC, step, path, reason LIMIT ${MAX_REASONS}`);
  const found = result.convertRowObjects(toJson);
  const [{ all_count: count, all_replayed: replayed }] = z
    .tuple([z.object({ all_count: z.coerce.number(), all_replayed: z.coerce.number() })])
    .parse([found[0] ?? { all_count: 0, all_replayed: 0 }]);
  const reasons = z.array(Reason).parse(found);
  return { count, replayed, reasons, others: count - reasons.reduce((sum, one) => sum + one.count, 0) };
}

function printList(summary: Summary, rows: readonly z.infer<typeof Row>[]): void {
  if (rows.length > 0) {
    print(
      formatTable(
        ['reference', 'came at', 'step', 'source', 'path', 'reason', 'size', 'replayed as'],
        rows.map((row) => [
          shortReference(row.reference),
          row.came_at,
          row.step,
          row.source,
          row.path,
          row.reason,
          formatBytes(row.size),
          row.replayed_as ?? '',
        ]),
        { cellCharacters: MAX_CELL_LENGTH },
      ),
    );
    print(
      formatTable(
        ['count', 'replayed', 'step', 'path', 'reason'],
        summary.reasons.map((one) => [one.count, one.replayed, one.step, one.path, one.reason]),
        { cellCharacters: MAX_CELL_LENGTH },
      ),
    );
  }
  if (summary.others > 0) print(`and ${summary.others} for other reasons`);
  const shown =
    rows.length < summary.count ? `; the newest ${rows.length} are shown, --limit shows more` : '';
  printError(`${summary.count} in quarantine, ${summary.replayed} of them replayed${shown}`);
}
