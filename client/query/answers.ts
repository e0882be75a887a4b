import type { DuckDBConnection, Json } from '@duckdb/node-api';
import { Command } from 'commander';
import { TableCache, cacheFolderOf } from '../../adapters/delta/table-cache.ts';
import { readSettings, sourceOf } from '../../model/settings.ts';
import { TABLES, tableNamed } from '../../tables/index.ts';
import { withExamples } from '../cli/help.ts';
import { fetchTables, readSnapshots, withTables } from './live-tables.ts';
import { formatTable, print, printJson } from '../cli/output.ts';
import { toJson } from './values.ts';
import { STANDARD_QUESTIONS, scopedSql, type StandardQuestion, type Scope } from './questions.ts';
import { openWarehouse } from '../cli/warehouse.ts';

interface AnswersOptions {
  readonly source?: string;
  readonly deduplicated?: boolean;
  readonly json?: boolean;
}

/** The answer to a question; a row has one value per column. */
interface Answer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Json[])[];
}

/** Creates `pipeline answers`, which answers {@link STANDARD_QUESTIONS}. */
export function answersCommand(): Command {
  const command = new Command('answers')
    .description('Answer the standard questions about the attempts.')
    .option('--source <source>', 'only attempts of this source')
    .option('--deduplicated', 'count each attempt once, even if it was delivered several times')
    .option('--json', 'print a JSON object: the rows of each answer by its name')
    .action(answers);
  return withExamples(
    command,
    'pipeline answers --deduplicated',
    'pipeline answers --source pearson --deduplicated --json',
  );
}

async function answers(options: AnswersOptions): Promise<void> {
  const settings = readSettings();
  if (options.source !== undefined) sourceOf(settings, options.source);
  const scope = { source: options.source, deduplicated: options.deduplicated === true };
  const warehouse = openWarehouse(settings);
  const cache = new TableCache(
    cacheFolderOf(settings.hdfs.nameNodes, settings.hdfs.warehouse),
    warehouse.options.hdfs,
  );
  const cached = await fetchTables(
    cache,
    warehouse,
    await readSnapshots(warehouse, ['attempts', 'questions'].map(tableNamed)),
  );
  const tables = TABLES.map((table) => ({ table, files: cached.get(table)?.files ?? null }));
  await withTables(tables, async (connection) => {
    const found = new Map<string, object[]>();
    for (const question of STANDARD_QUESTIONS) {
      const answer = await answerQuestion(connection, question, scope);
      if (options.json === true)
        found.set(
          question.name,
          answer.rows.map((row) => toObject(answer, row)),
        );
      else print(['', question.question, ...formatAnswer(answer)]);
    }
    if (options.json === true) printJson(Object.fromEntries(found));
  });
}

async function answerQuestion(
  connection: DuckDBConnection,
  question: StandardQuestion,
  scope: Scope,
): Promise<Answer> {
  const read = await connection.runAndReadAll(scopedSql(question.sql, scope));
  return { columns: read.columnNames(), rows: read.convertRows(toJson) };
}

function toObject({ columns }: Answer, row: readonly Json[]): object {
  return Object.fromEntries(columns.map((column, index) => [column, row[index]]));
}

function formatAnswer({ columns, rows }: Answer): string[] {
  return formatTable(
    columns.map((column) => column.replaceAll('_', ' ')),
    rows.map((row) => row.map(cellOf)),
  );
}

function cellOf(value: Json): string | number {
  if (typeof value === 'number') return Number.isInteger(value) ? value : Number(value.toFixed(3));
  return typeof value === 'string' ? value : value === null ? '(none)' : JSON.stringify(value);
}
