import { Command } from 'commander';
import { DURATION_EXAMPLES } from '../../model/duration.ts';
import { parseTimeArgument, wholeNumberParser } from '../cli/arguments.ts';
import { withExamples } from '../cli/help.ts';
import { applySchedules } from './apply.ts';
import { DEFAULT_INTERVALS_PER_REQUEST, MAX_INTERVALS_PER_REQUEST, backfillSchedule } from './backfill.ts';
import {
  deleteSchedule,
  listSchedules,
  pauseSchedule,
  resumeSchedule,
  setSchedule,
  showSchedule,
  triggerSchedule,
} from './actions.ts';

const SOURCE = 'a source of pipeline.yaml';

/** `pipeline schedule …`: runs that start by themselves, one schedule a source. */
export function scheduleCommand(): Command {
  const command = new Command('schedule')
    .description('Start runs at set times: one schedule a source, kept by Temporal.')
    .addHelpText(
      'after',
      `
A source whose url holds {from} and {to} is asked, by each run, for the interval that ends at the run's
scheduled time, however late it begins; so the intervals join. See docs/schedules.md.`,
    );
  for (const sub of [apply(), set(), list(), show(), pause(), resume(), trigger(), backfill(), remove()])
    command.addCommand(sub.option('--json', 'as JSON'));
  return withExamples(
    command,
    'pipeline schedule apply',
    'pipeline schedule set pearson --every 15m',
    'pipeline schedule set pearson --cron "0 3 * * *" --timezone Europe/Berlin --interval 1d',
    'pipeline schedule pause pearson --note "the customer moves servers"',
    'pipeline schedule backfill pearson --from 2026-01-01 --to 2026-02-01',
  );
}

function apply(): Command {
  const command = new Command('apply')
    .description('Bring the schedules of the settings to Temporal: show how they differ, then make them so.')
    .argument('[source...]', 'sources of pipeline.yaml; without them, all')
    .option('--dry-run', 'show how they differ, and do nothing')
    .option('--prune', 'delete the schedules of this pipeline that the settings do not have')
    .action(applySchedules);
  return withExamples(command, 'pipeline schedule apply --dry-run', 'pipeline schedule apply pearson', [
    'pipeline schedule apply --prune',
    'also deletes those that are no longer in the settings',
  ]);
}

function set(): Command {
  const command = new Command('set')
    .description('Make the schedule of a source, or change it; what is not given of its state stays.')
    .argument('<source>', SOURCE)
    .option('--every <duration>', `at each multiple of this since 1970 in UTC, as ${DURATION_EXAMPLES}`)
    .option('--cron <expression>', 'at these times: minute, hour, day of month, month, day of week')
    .option('--timezone <name>', 'the time zone of --cron (default: UTC)')
    .option('--interval <duration>', 'how much each run asks the customer for, or none (default: as --every)')
    .option('--catch-up <duration>', 'how old a time may be that runs once Temporal is back (default: 3d)')
    .option('--paused', 'do not start runs until it is resumed')
    .option('--note <text>', 'what a person should know of it')
    .action(setSchedule);
  return withExamples(
    command,
    'pipeline schedule set pearson --every 15m',
    ['pipeline schedule set pearson --every 15m --interval 1h', 'each run asks for what came late too'],
    'pipeline schedule set pearson --cron "0 3 * * *" --timezone Europe/Berlin --interval 25h',
    ['pipeline schedule set others --every 1m', 'a topic that others fill'],
  );
}

function list(): Command {
  const command = new Command('list').description('Show the schedules of all sources.').action(listSchedules);
  return withExamples(command, 'pipeline schedule list');
}

function show(): Command {
  const command = new Command('show')
    .description('Show a schedule: its times, its latest runs, and what was left out.')
    .argument('<source>', SOURCE)
    .action(showSchedule);
  return withExamples(command, 'pipeline schedule show pearson', 'pipeline schedule show pearson --json');
}

function pause(): Command {
  const command = new Command('pause')
    .description('Start no more runs by themselves. A run that is under way goes on.')
    .argument('<source>', SOURCE)
    .option('--note <text>', 'why')
    .action(pauseSchedule);
  return withExamples(command, 'pipeline schedule pause pearson --note "the customer moves servers"');
}

function resume(): Command {
  const command = new Command('resume')
    .description('Start runs again, from the next time on; see backfill for those that passed.')
    .argument('<source>', SOURCE)
    .option('--note <text>', 'why')
    .action(resumeSchedule);
  return withExamples(command, 'pipeline schedule resume pearson');
}

function trigger(): Command {
  const command = new Command('trigger')
    .description('Start a run now, whatever else runs. Its interval ends now.')
    .argument('<source>', SOURCE)
    .action(triggerSchedule);
  return withExamples(command, 'pipeline schedule trigger pearson');
}

function backfill(): Command {
  const command = new Command('backfill')
    .description('Run the intervals of a time in the past, in order, each once; given again, it goes on.')
    .argument('<source>', SOURCE)
    .requiredOption('--from <time>', 'beginning, as 2026-01-31 or 2026-01-31T12:00:00Z', parseTimeArgument)
    .requiredOption('--to <time>', 'end; the intervals that have a part before it run', parseTimeArgument)
    .option(
      '--part <n>',
      `how many intervals Temporal gets at once, at most ${MAX_INTERVALS_PER_REQUEST}`,
      wholeNumberParser(1, MAX_INTERVALS_PER_REQUEST),
      DEFAULT_INTERVALS_PER_REQUEST,
    )
    .addHelpText(
      'after',
      `
It shows how it goes on, and can be stopped with Ctrl-C at any time: give the same command again to go on.
Intervals that have run are left alone, those that failed run again.`,
    )
    .action(backfillSchedule);
  return withExamples(
    command,
    'pipeline schedule backfill pearson --from 2026-01-01 --to 2026-02-01',
    'pipeline schedule backfill pearson --from 2026-01-31T12:00:00Z --to 2026-01-31T18:00:00Z',
  );
}

function remove(): Command {
  const command = new Command('delete')
    .description('Remove a schedule. A run that is under way goes on; what is queued does not start.')
    .argument('<source>', SOURCE)
    .action(deleteSchedule);
  return withExamples(command, 'pipeline schedule delete pearson');
}
