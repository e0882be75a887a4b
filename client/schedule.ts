import { Command, InvalidArgumentError } from 'commander';
import { DURATION_EXAMPLES } from '../model/duration.ts';
import { PART_DEFAULT, PART_MAX, backfillSchedule } from './schedule-backfill.ts';
import {
  deleteSchedule,
  listSchedules,
  pauseSchedule,
  resumeSchedule,
  setSchedule,
  showSchedule,
  triggerSchedule,
} from './schedule-actions.ts';

const SOURCE = 'a source of pipeline.yaml';

/** `pipeline schedule …`: runs that start by themselves, one schedule a source. */
export function scheduleCommand(): Command {
  const command = new Command('schedule')
    .description('Start runs at set times: one schedule a source, kept by Temporal.')
    .addHelpText(
      'after',
      `
A source whose url holds {from} and {to} is asked, by each run, for the interval that ends at the run's
scheduled time, however late it begins; so the intervals join. See docs/schedules.md.

Examples:
  pipeline schedule set pearson --every 15m
  pipeline schedule set pearson --cron "0 3 * * *" --timezone Europe/Berlin --interval 1d
  pipeline schedule pause pearson --note "the customer moves servers"
  pipeline schedule backfill pearson --from 2026-01-01 --to 2026-02-01`,
    );
  for (const sub of [set(), list(), show(), pause(), resume(), trigger(), backfill(), remove()])
    command.addCommand(sub.exitOverride());
  return command;
}

function set(): Command {
  return new Command('set')
    .description('Make the schedule of a source, or change it; what is not given of its state stays.')
    .argument('<source>', SOURCE)
    .option('--every <duration>', `at each multiple of this since 1970 in UTC, as ${DURATION_EXAMPLES}`)
    .option('--cron <expression>', 'at these times: minute, hour, day of month, month, day of week')
    .option('--timezone <name>', 'the time zone of --cron (default: UTC)')
    .option('--interval <duration>', 'how much each run asks the customer for, or none (default: as --every)')
    .option('--paused', 'do not start runs until it is resumed')
    .option('--note <text>', 'what a person should know of it')
    .addHelpText(
      'after',
      `
Examples:
  pipeline schedule set pearson --every 15m
  pipeline schedule set pearson --every 15m --interval 1h     each run asks for what came late too
  pipeline schedule set pearson --cron "0 3 * * *" --timezone Europe/Berlin --interval 25h
  pipeline schedule set others --every 1m                     a topic that others fill`,
    )
    .action(setSchedule);
}

function list(): Command {
  return new Command('list')
    .description('Show the schedules of all sources.')
    .option('--json', 'as JSON')
    .action(listSchedules);
}

function show(): Command {
  return new Command('show')
    .description('Show a schedule: its times, its latest runs, and what was left out.')
    .argument('<source>', SOURCE)
    .option('--json', 'as JSON')
    .action(showSchedule);
}

function pause(): Command {
  return new Command('pause')
    .description('Start no more runs by themselves. A run that is under way goes on.')
    .argument('<source>', SOURCE)
    .option('--note <text>', 'why')
    .action(pauseSchedule);
}

function resume(): Command {
  return new Command('resume')
    .description('Start runs again, from the next time on; see backfill for those that passed.')
    .argument('<source>', SOURCE)
    .option('--note <text>', 'why')
    .action(resumeSchedule);
}

function trigger(): Command {
  return new Command('trigger')
    .description('Start a run now, whatever else runs. Its interval ends now.')
    .argument('<source>', SOURCE)
    .action(triggerSchedule);
}

function backfill(): Command {
  return new Command('backfill')
    .description('Run the intervals of a time in the past, in order, each once; given again, it goes on.')
    .argument('<source>', SOURCE)
    .requiredOption('--from <time>', 'beginning, as 2026-01-31 or 2026-01-31T12:00:00Z', timeOf)
    .requiredOption('--to <time>', 'end; the intervals that have a part before it run', timeOf)
    .option(
      '--part <n>',
      `how many intervals Temporal gets at once, at most ${PART_MAX}`,
      partOf,
      PART_DEFAULT,
    )
    .addHelpText(
      'after',
      `
It shows how it goes on, and can be stopped with Ctrl-C at any time: give the same command again to go on.
Intervals that have run are left alone, those that failed run again.

Examples:
  pipeline schedule backfill pearson --from 2026-01-01 --to 2026-02-01
  pipeline schedule backfill pearson --from 2026-01-31T12:00:00Z --to 2026-01-31T18:00:00Z`,
    )
    .action(backfillSchedule);
}

function remove(): Command {
  return new Command('delete')
    .description('Remove a schedule. A run that is under way goes on; what is queued does not start.')
    .argument('<source>', SOURCE)
    .action(deleteSchedule);
}

const TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d))?$/;

function timeOf(text: string): Date {
  const time = new Date(text);
  // Some of these engines take for the first of March.
  const day = new Date(text.slice(0, 10));
  const exists = !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text.slice(0, 10));
  if (TIME.test(text) && exists && !Number.isNaN(time.getTime())) return time;
  throw new InvalidArgumentError('It must be a day, as 2026-01-31, or a time, as 2026-01-31T12:00:00Z.');
}

function partOf(text: string): number {
  const part = Number(text);
  if (Number.isInteger(part) && part >= 1 && part <= PART_MAX) return part;
  throw new InvalidArgumentError(`It must be a number from 1 to ${PART_MAX}.`);
}
