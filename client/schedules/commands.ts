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

/** Creates `pipeline schedule …`, which manages one Temporal schedule per source. */
export function scheduleCommand(): Command {
  const command = new Command('schedule')
    .description('Start runs at set times, with one Temporal schedule per source.')
    .addHelpText(
      'after',
      `
If the source's url contains {from} and {to}, each run fetches the interval that ends at its scheduled time, even
if it starts later, so late runs leave no gaps. See docs/schedules.md.`,
    );
  for (const sub of [apply(), set(), list(), show(), pause(), resume(), trigger(), backfill(), remove()])
    command.addCommand(sub.option('--json', 'print JSON'));
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
    .description(
      'Apply the schedules in the settings to Temporal: show the differences, then create or change schedules.',
    )
    .argument('[source...]', 'sources of pipeline.yaml (default: all)')
    .option('--dry-run', 'show the differences and change nothing')
    .option('--prune', 'also delete schedules of this pipeline that are not in the settings')
    .action(applySchedules);
  return withExamples(command, 'pipeline schedule apply --dry-run', 'pipeline schedule apply pearson', [
    'pipeline schedule apply --prune',
    'also deletes schedules that were removed from the settings',
  ]);
}

function set(): Command {
  const command = new Command('set')
    .description(
      'Create or change the schedule of a source. Its note and whether it is paused stay unless given.',
    )
    .argument('<source>', SOURCE)
    .option('--every <duration>', `run at multiples of this since 1970 in UTC, such as ${DURATION_EXAMPLES}`)
    .option('--cron <expression>', 'run at these times: minute, hour, day of month, month, day of week')
    .option('--timezone <name>', 'the time zone of --cron (default: UTC)')
    .option(
      '--interval <duration>',
      'length of the interval that each run fetches, or none (default: as --every)',
    )
    .option(
      '--catch-up <duration>',
      'after an outage of Temporal, start missed runs at most this old (default: 3d)',
    )
    .option('--paused', 'start no runs until the schedule is resumed')
    .option('--note <text>', 'a note, shown with the schedule')
    .action(setSchedule);
  return withExamples(
    command,
    'pipeline schedule set pearson --every 15m',
    [
      'pipeline schedule set pearson --every 15m --interval 1h',
      'intervals overlap, so that records that arrive late are fetched too',
    ],
    'pipeline schedule set pearson --cron "0 3 * * *" --timezone Europe/Berlin --interval 25h',
    ['pipeline schedule set others --every 1m', 'a topic that other programs fill'],
  );
}

function list(): Command {
  const command = new Command('list').description('List the schedules of all sources.').action(listSchedules);
  return withExamples(command, 'pipeline schedule list');
}

function show(): Command {
  const command = new Command('show')
    .description('Show a schedule: its times, its latest runs, and intervals without a run.')
    .argument('<source>', SOURCE)
    .action(showSchedule);
  return withExamples(command, 'pipeline schedule show pearson', 'pipeline schedule show pearson --json');
}

function pause(): Command {
  const command = new Command('pause')
    .description('Pause a schedule: no more runs start. The current run continues.')
    .argument('<source>', SOURCE)
    .option('--note <text>', 'why')
    .action(pauseSchedule);
  return withExamples(command, 'pipeline schedule pause pearson --note "the customer moves servers"');
}

function resume(): Command {
  const command = new Command('resume')
    .description('Resume a schedule from its next time. For the times that passed, see backfill.')
    .argument('<source>', SOURCE)
    .option('--note <text>', 'why')
    .action(resumeSchedule);
  return withExamples(command, 'pipeline schedule resume pearson');
}

function trigger(): Command {
  const command = new Command('trigger')
    .description('Start a run now, even if another one is running. Its interval ends now.')
    .argument('<source>', SOURCE)
    .action(triggerSchedule);
  return withExamples(command, 'pipeline schedule trigger pearson');
}

function backfill(): Command {
  const command = new Command('backfill')
    .description('Run the past intervals of a schedule, in order, each once.')
    .argument('<source>', SOURCE)
    .requiredOption('--from <time>', 'start, such as 2026-01-31 or 2026-01-31T12:00:00Z', parseTimeArgument)
    .requiredOption('--to <time>', 'end; intervals that begin before it run', parseTimeArgument)
    .option(
      '--part <n>',
      `how many intervals to queue in Temporal at once, at most ${MAX_INTERVALS_PER_REQUEST}`,
      wholeNumberParser(1, MAX_INTERVALS_PER_REQUEST),
      DEFAULT_INTERVALS_PER_REQUEST,
    )
    .addHelpText(
      'after',
      `
The command shows its progress and can be stopped with Ctrl-C at any time; run it again to continue.
Intervals whose run succeeded are not run again; those whose run failed are.`,
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
    .description('Delete a schedule. The current run continues; queued runs do not start.')
    .argument('<source>', SOURCE)
    .action(deleteSchedule);
  return withExamples(command, 'pipeline schedule delete pearson');
}
