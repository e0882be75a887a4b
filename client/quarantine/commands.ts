import { Command } from 'commander';
import { wholeNumberParser } from '../cli/arguments.ts';
import { withExamples } from '../cli/help.ts';
import { withFilterOptions } from './filter.ts';
import { listQuarantine } from './list.ts';
import { replayQuarantined } from './replay.ts';
import { showQuarantined } from './show.ts';

const REFERENCE = 'topic/partition/offset, or source/format-content/chunk:position, as list shows it';

/** `pipeline quarantine …`: what could not become rows, and its way back. */
export function quarantineCommand(): Command {
  const command = new Command('quarantine').description(
    'See what could not become rows, and publish it again when the cause is gone.',
  );
  for (const sub of [list(), show(), replay()]) command.addCommand(sub);
  return withExamples(
    command,
    'pipeline quarantine list --source pearson --since 2026-01-31',
    'pipeline quarantine show attempts-pearson/0/17',
    'pipeline quarantine replay --all --reason max_attempts',
    ['pipeline start pearson --follow', 'lands what was replayed'],
  );
}

function list(): Command {
  const command = withFilterOptions(
    new Command('list').description(
      'Show what is in quarantine, the newest first, and how often for which reason.',
    ),
  )
    .option('--replayed', 'those that were published again')
    .option('--not-replayed', 'those that were not')
    .option('--limit <n>', 'how many to show', wholeNumberParser(1, 100_000), 50)
    .option('--json', 'as JSON')
    .action(listQuarantine);
  return withExamples(command, 'pipeline quarantine list', 'pipeline quarantine list --not-replayed --json');
}

function show(): Command {
  const command = new Command('show')
    .description(
      'Show everything that is known of one, and its payload, in which no character acts on the terminal.',
    )
    .argument('<reference>', REFERENCE)
    .option('--full', 'the whole payload, not only its beginning')
    .option('--raw', 'write the payload’s bytes as they are to standard output, and nothing else')
    .option('--output <file>', 'write the payload’s bytes as they are to a file')
    .option('--json', 'as JSON, key and payload in base64')
    .action(showQuarantined);
  return withExamples(
    command,
    'pipeline quarantine show attempts-pearson/0/17',
    'pipeline quarantine show attempts-pearson/0/17 --output payload.json',
  );
}

function replay(): Command {
  const command = withFilterOptions(
    new Command('replay')
      .description(
        'Publish again what is in quarantine, each once however often this is said; the next run lands it.',
      )
      .argument('[references...]', REFERENCE)
      .option('--all', 'all that was not replayed yet, or of it what the options pick'),
  )
    .option('--yes', 'do not ask before more than one is replayed')
    .option('--dry-run', 'show what would be replayed')
    .option('--json', 'as JSON')
    .action(replayQuarantined);
  return withExamples(
    command,
    'pipeline quarantine replay attempts-pearson/0/17',
    'pipeline quarantine replay --all --reason max_attempts --dry-run',
  );
}
