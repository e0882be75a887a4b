import type { Command } from 'commander';
import { readSettings } from '../../model/settings.ts';
import { EXIT } from '../cli/exit.ts';
import { print, printError, printJson } from '../cli/output.ts';
import { confirm } from '../cli/output/confirm.ts';
import { clientLogger } from '../cli/warehouse.ts';
import {
  chooseRows,
  conditionOfAll,
  readDueRows,
  listUnreplayedRows,
  type ChosenCounts,
  type ChosenRow,
  type LeftRow,
} from './selection.ts';
import { whereOf, type Filter } from './filter.ts';
import { ReplayMarker, type Replay } from './replay-markers.ts';
import { shortReference } from './reference.ts';
import { Republisher } from './republish.ts';
import { withQuarantine, type OpenQuarantine } from './rows.ts';

/** The options of `pipeline quarantine replay`. */
export interface ReplayOptions extends Omit<Filter, 'replayed'> {
  readonly all?: boolean;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** The result, as `--json` prints it. */
interface ReplayResult {
  /** `as` is the new topic/partition/offset; null for a dry run. */
  readonly replayed: readonly { readonly reference: string; readonly as: string | null }[];
  /** Records that were replayed before, the first ones by name. */
  readonly before: { readonly count: number; readonly named: readonly LeftRow[] };
  /** Records that cannot be replayed, likewise. */
  readonly obstructed: { readonly count: number; readonly named: readonly LeftRow[] };
}

/** The number of records published before they are marked in one commit. */
const GROUP_SIZE = 100;

/** The number of records that were not replayed and are listed by name. */
const MAX_NAMED = 20;

/** Runs `pipeline quarantine replay`: publishes the selected records again, each once, and marks them. */
export async function replayQuarantined(
  references: readonly string[],
  options: ReplayOptions,
  command: Command,
): Promise<void> {
  const { all, yes, dryRun, json, ...filter } = options;
  requireChoice(command, references, all === true, Object.keys(filter).length > 0);
  await withQuarantine(readSettings(), async (quarantine) => {
    const { connection, settings } = quarantine;
    const condition =
      all === true ? whereOf({ ...filter, replayed: false }) : await conditionOfAll(connection, references);
    const counts = await chooseRows(connection, settings, condition);
    const report = new ReplayReport(json !== true);
    for (const left of await listUnreplayedRows(connection, 'before', MAX_NAMED)) report.before(left);
    for (const left of await listUnreplayedRows(connection, 'obstructed', MAX_NAMED)) report.obstructed(left);
    if (counts.due > 1 && yes !== true && dryRun !== true && !(await confirm(`Replay ${counts.due}?`))) {
      printError('nothing was replayed');
      process.exitCode = EXIT.failed;
      return;
    }
    await replayDue(quarantine, dryRun === true, report);
    const result = report.result(counts);
    if (json === true) printJson(result);
    printError(summaryOf(result, dryRun === true));
    if (result.obstructed.count > 0) process.exitCode = EXIT.failed;
  });
}

/** Prints the result of each row, and collects it for `--json`. */
class ReplayReport {
  readonly #isPrinted: boolean;
  readonly #replayed: { reference: string; as: string | null }[] = [];
  readonly #before: LeftRow[] = [];
  readonly #obstructed: LeftRow[] = [];
  #refused = 0;

  constructor(isPrinted: boolean) {
    this.#isPrinted = isPrinted;
  }

  /**
   * Reports a replayed record.
   * @param as Its new topic/partition/offset; null for a dry run.
   */
  replayed(reference: string, as: string | null): void {
    this.#replayed.push({ reference, as });
    this.#print(`${shortReference(reference)} ${as === null ? 'would be replayed' : `is now ${as}`}`);
  }

  before(left: LeftRow): void {
    this.#before.push(left);
    this.#print(`${shortReference(left.reference)} was replayed before, as ${left.why}`);
  }

  obstructed(left: LeftRow): void {
    this.#obstructed.push(left);
    this.#print(`${shortReference(left.reference)} cannot be replayed: ${left.why}`);
  }

  /** Reports a record that its topic cannot accept. */
  refused(left: LeftRow): void {
    this.#refused += 1;
    this.obstructed(left);
  }

  result({ before, obstructed }: ChosenCounts): ReplayResult {
    return {
      replayed: this.#replayed,
      before: { count: before, named: this.#before },
      obstructed: { count: obstructed + this.#refused, named: this.#obstructed },
    };
  }

  #print(text: string): void {
    if (this.#isPrinted) print(text);
  }
}

function requireChoice(
  command: Command,
  references: readonly string[],
  all: boolean,
  isFiltered: boolean,
): void {
  if (all && references.length > 0)
    command.error('error: give either references, or --all with options that select records');
  if (!all && references.length === 0)
    command.error('error: give the references of the records to replay, or --all');
  if (!all && isFiltered) command.error('error: options that select records need --all');
}

async function replayDue(
  { connection, settings, warehouse }: OpenQuarantine,
  isDryRun: boolean,
  report: ReplayReport,
): Promise<void> {
  const republisher = new Republisher({ ...settings.kafka, logger: clientLogger() });
  const marker = new ReplayMarker(warehouse, ['pipeline', ...process.argv.slice(2)].join(' '));
  for await (const rows of readDueRows(connection, GROUP_SIZE)) {
    const accepted: ChosenRow[] = [];
    for (const row of rows) {
      const why = await republisher.refusalOf(row);
      if (why === undefined) accepted.push(row);
      else report.refused({ reference: row.reference, why });
    }
    if (isDryRun) for (const { reference } of accepted) report.replayed(reference, null);
    else await replayGroup(republisher, marker, accepted, report);
  }
  if (!isDryRun) await marker.close();
}

async function replayGroup(
  republisher: Republisher,
  marker: ReplayMarker,
  rows: readonly ChosenRow[],
  report: ReplayReport,
): Promise<void> {
  await marker.requireKept();
  const published: Replay[] = [];
  try {
    await republisher.publish(rows, (replay) => published.push(replay));
  } finally {
    // Also after a failure: the earlier ones are in Kafka.
    if (published.length > 0) await marker.mark(published);
  }
  for (const { row, partition, offset } of published)
    report.replayed(row.reference, `${row.topic}/${partition}/${offset}`);
}

function summaryOf({ replayed, before, obstructed }: ReplayResult, isDryRun: boolean): string {
  const landed = replayed.length > 0 && !isDryRun ? '; the next run of their source lands them' : '';
  return (
    `${isDryRun ? 'would be replayed' : 'replayed'}: ${replayed.length}, before: ${before.count}, ` +
    `cannot be: ${obstructed.count}${landed}`
  );
}
