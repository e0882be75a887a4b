import { stat } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { CheckedRecords, whyNothingGood, whyOverLimit } from '../../steps/transform/quarantine-limit.ts';
import type { RecordFormat } from '../../steps/source/record-splitter.ts';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { readSettings, sourceOf, sourceWith, type Settings } from '../../model/settings.ts';
import { intervalOf, requireInterval, parseTimeArgument, wholeNumberParser } from '../cli/arguments.ts';
import { EXIT } from '../cli/exit.ts';
import { withExamples } from '../cli/help.ts';
import { print, printJson } from '../cli/output.ts';
import { formatPreview } from './format.ts';
import { checkSample, type SampleReport } from './check-sample.ts';
import { contentOf, fileContent, readSample, type Sample, type SampleRequest } from './sample.ts';

interface PreviewOptions {
  readonly records: number;
  readonly format?: RecordFormat;
  readonly from?: Date;
  readonly to?: Date;
  readonly json?: boolean;
}

const DEFAULT_RECORDS = 1000;
const MAX_RECORDS = 100_000;
const MAX_BYTES = 64 << 20;

/** What a file that no source names is called in messages to itself. */
const FILE_SOURCE = 'preview';

/** `pipeline preview SOURCE|FILE`: what a run would make of a content, without a run. */
export function previewCommand(): Command {
  const command = new Command('preview')
    .description(
      'Fetch the beginning of a source or a file, and show the tables it would become and what would be quarantined. Nothing is written, and no server but the customer’s is asked.',
    )
    .argument('<source>', 'a source of pipeline.yaml, or a file')
    .option(
      '--records <number>',
      'how many records to look at',
      wholeNumberParser(1, MAX_RECORDS),
      DEFAULT_RECORDS,
    )
    .addOption(
      new Option(
        '--format <format>',
        'how a file’s records stand in it (default: as its beginning tells)',
      ).choices(['json-array', 'ndjson'] satisfies RecordFormat[]),
    )
    .option(
      '--from <time>',
      'beginning of the interval, for a source whose url has {from}',
      parseTimeArgument,
    )
    .option('--to <time>', 'end of the interval, for a source whose url has {to}', parseTimeArgument)
    .option('--json', 'as a JSON object')
    .action(preview);
  return withExamples(
    command,
    'pipeline preview pearson',
    ['pipeline preview attempts.json.gz --records 50', 'a file, packed or not'],
    'pipeline preview pearson --json',
  );
}

async function preview(word: string, options: PreviewOptions): Promise<void> {
  const all = readSettings();
  const { settings, source, request } = await contentNamed(all, word, options);
  const { contentBytes, recordBytes } = settings.limits;
  const limits = { records: options.records, bytes: MAX_BYTES, contentBytes, recordBytes };
  const sample = await readSample(request, limits);
  const judged = await checkSample(settings, source, sample.records);
  const overLimit = limitPassed(settings, source, request.subject, sample, judged);
  if (options.json === true) printJson(jsonOf(request.subject, sample, judged, overLimit));
  else print(formatPreview(request.subject, sample, judged, overLimit));
  if (sample.broken !== undefined) throw sample.broken;
  if (overLimit !== undefined) process.exitCode = EXIT.waiting;
}

interface NamedContent {
  /** The settings, with a source for the file where it is one. */
  readonly settings: Settings;
  readonly source: string;
  readonly request: SampleRequest;
}

/** @throws {PipelineError} SOURCE_UNKNOWN or USAGE_INVALID */
async function contentNamed(
  settings: Settings,
  word: string,
  options: PreviewOptions,
): Promise<NamedContent> {
  const { from, to, format } = options;
  if (!Object.hasOwn(settings.sources, word)) {
    await requireFile(settings, word);
    if (from !== undefined || to !== undefined)
      throw new PipelineError(
        'USAGE_INVALID',
        `${word} is a file, which has no interval: leave out --from and --to`,
      );
    const sources = { [FILE_SOURCE]: sourceWith({ topic: FILE_SOURCE }) };
    return { settings: { ...settings, sources }, source: FILE_SOURCE, request: fileContent(word, format) };
  }
  const source = sourceOf(settings, word);
  if (source.url === undefined)
    throw new PipelineError('USAGE_INVALID', `source ${word} has no url: there is nothing to fetch`);
  if (format !== undefined)
    throw new PipelineError('USAGE_INVALID', `the format of source ${word} is set: leave out --format`);
  requireInterval(word, source, options);
  return { settings, source: word, request: contentOf(word, source, intervalOf(options)) };
}

/** @throws {PipelineError} SOURCE_UNKNOWN, saying why there is no such file either. */
async function requireFile(settings: Settings, word: string): Promise<void> {
  try {
    if ((await stat(word)).isFile()) return;
    throw new Error(`${word} is not a file`);
  } catch (cause) {
    const known = Object.keys(settings.sources).join(', ') || 'none';
    throw new PipelineError(
      'SOURCE_UNKNOWN',
      `there is no source ${JSON.stringify(word)} (the sources are: ${known}), and no such file: ${messageOf(cause)}`,
      { cause },
    );
  }
}

/** What a run would wait for a person for; undefined where it would not. */
function limitPassed(
  settings: Settings,
  source: string,
  subject: string,
  { whole }: Sample,
  { landed, quarantined, reasons }: SampleReport,
): string | undefined {
  const { quarantineLimit } = sourceOf(settings, source);
  const judged = new CheckedRecords();
  judged.records = landed + quarantined;
  judged.bad = quarantined;
  judged.reasons.addAll(reasons);
  const what = `${subject}, as far as it was looked at`;
  const nothingGood = whole ? whyNothingGood(what, judged) : undefined;
  if (nothingGood !== undefined || quarantineLimit === undefined) return nothingGood;
  return whyOverLimit(what, quarantineLimit, judged);
}

function jsonOf(
  subject: string,
  sample: Sample,
  judged: SampleReport,
  overLimit: string | undefined,
): object {
  return {
    subject,
    format: sample.format,
    records: sample.records.length,
    bytes: sample.bytes,
    whole: sample.whole,
    landed: judged.landed,
    quarantined: judged.quarantined,
    reasons: judged.reasons,
    firstQuarantined: judged.bad.map((place) => place + 1),
    ...judged.unknown,
    overLimit: overLimit ?? null,
    tables: judged.tables,
  };
}
