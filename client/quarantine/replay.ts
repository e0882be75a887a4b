import type { Command } from 'commander';
import { readSettings } from '../../model/settings.ts';
import { EXIT } from '../cli/exit.ts';
import { print, printError, printJson } from '../cli/output.ts';
import { confirm } from '../cli/output/confirm.ts';
import { clientLogger } from '../cli/warehouse.ts';
import {
  choose,
  conditionOfAll,
  dueRows,
  leftRows,
  type ChosenCounts,
  type ChosenRow,
  type LeftRow,
} from './selection.ts';
import { whereOf, type Filter } from './filter.ts';
import { ReplayMarker, type Replay } from './replay-markers.ts';
import { shortReference } from './reference.ts';
import { Republisher } from './republish.ts';
import { withQuarantine, type OpenQuarantine } from './rows.ts';

/** What `pipeline quarantine replay` takes. */
export interface ReplayOptions extends Omit<Filter, 'replayed'> {
  readonly all?: boolean;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** What came of it, as `--json` prints it. */
interface ReplayAnswer {
  /** With its new place; null where it was only shown what would be done. */
  readonly replayed: readonly { readonly reference: string; readonly as: string | null }[];
  /** Those that were replayed before, the first of them by name. */
  readonly before: { readonly count: number; readonly named: readonly LeftRow[] };
  /** Those that cannot be, likewise. */
  readonly obstructed: { readonly count: number; readonly named: readonly LeftRow[] };
}

/** So many are published, and then marked in one commit. */
const GROUP = 100;

/** So many of those that are left are named. */
const MAX_NAMED = 20;

/** `pipeline quarantine replay`: publishes again what a person names, each once, and marks it. */
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
    const counts = await choose(connection, settings, condition);
    const report = new Report(json !== true);
    for (const left of await leftRows(connection, 'before', MAX_NAMED)) report.before(left);
    for (const left of await leftRows(connection, 'obstructed', MAX_NAMED)) report.obstructed(left);
    if (counts.due > 1 && yes !== true && dryRun !== true && !(await confirm(`Replay ${counts.due}?`))) {
      printError('nothing was replayed');
      process.exitCode = EXIT.failed;
      return;
    }
    await replayDue(quarantine, dryRun === true, report);
    const answer = report.answer(counts);
    if (json === true) printJson(answer);
    printError(summaryOf(answer, dryRun === true));
    if (answer.obstructed.count > 0) process.exitCode = EXIT.failed;
  });
}

/** Says what becomes of each row, and keeps it for the end. */
class Report {
  readonly #isSpoken: boolean;
  readonly #replayed: { reference: string; as: string | null }[] = [];
  readonly #before: LeftRow[] = [];
  readonly #obstructed: LeftRow[] = [];
  #refused = 0;

  constructor(isSpoken: boolean) {
    this.#isSpoken = isSpoken;
  }

  /** @param as Its new place; null where it would be replayed. */
  replayed(reference: string, as: string | null): void {
    this.#replayed.push({ reference, as });
    this.#say(`${shortReference(reference)} ${as === null ? 'would be replayed' : `is now ${as}`}`);
  }

  before(left: LeftRow): void {
    this.#before.push(left);
    this.#say(`${shortReference(left.reference)} was replayed before, as ${left.why}`);
  }

  obstructed(left: LeftRow): void {
    this.#obstructed.push(left);
    this.#say(`${shortReference(left.reference)} cannot be replayed: ${left.why}`);
  }

  /** One that was due, and that its topic cannot take. */
  refused(left: LeftRow): void {
    this.#refused += 1;
    this.obstructed(left);
  }

  answer({ before, obstructed }: ChosenCounts): ReplayAnswer {
    return {
      replayed: this.#replayed,
      before: { count: before, named: this.#before },
      obstructed: { count: obstructed + this.#refused, named: this.#obstructed },
    };
  }

  #say(text: string): void {
    if (this.#isSpoken) print(text);
  }
}

function requireChoice(
  command: Command,
  references: readonly string[],
  all: boolean,
  isFiltered: boolean,
): void {
  if (all && references.length > 0)
    command.error('error: give references, or --all with what picks them, not both');
  if (!all && references.length === 0)
    command.error('error: name what to replay by its reference, or give --all');
  if (!all && isFiltered) command.error('error: what picks rows goes with --all');
}

async function replayDue(
  { connection, settings, warehouse }: OpenQuarantine,
  isDry: boolean,
  report: Report,
): Promise<void> {
  const republisher = new Republisher({ ...settings.kafka, logger: clientLogger() });
  const marker = new ReplayMarker(warehouse, ['pipeline', ...process.argv.slice(2)].join(' '));
  for await (const rows of dueRows(connection, GROUP)) {
    const fitting: ChosenRow[] = [];
    for (const row of rows) {
      const why = await republisher.refusalOf(row);
      if (why === undefined) fitting.push(row);
      else report.refused({ reference: row.reference, why });
    }
    if (isDry) for (const { reference } of fitting) report.replayed(reference, null);
    else await replayGroup(republisher, marker, fitting, report);
  }
  if (!isDry) await marker.close();
}

async function replayGroup(
  republisher: Republisher,
  marker: ReplayMarker,
  rows: readonly ChosenRow[],
  report: Report,
): Promise<void> {
  await marker.requireKept();
  const made: Replay[] = [];
  try {
    await republisher.publish(rows, (replay) => made.push(replay));
  } finally {
    // Also where one failed: the others are in Kafka.
    if (made.length > 0) await marker.mark(made);
  }
  for (const { row, partition, offset } of made)
    report.replayed(row.reference, `${row.topic}/${partition}/${offset}`);
}

function summaryOf({ replayed, before, obstructed }: ReplayAnswer, isDry: boolean): string {
  const landed = replayed.length > 0 && !isDry ? '; the next run of their source lands them' : '';
  return (
    `${isDry ? 'would be replayed' : 'replayed'}: ${replayed.length}, before: ${before.count}, ` +
    `cannot be: ${obstructed.count}${landed}`
  );
}
