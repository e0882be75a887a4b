import { stat } from 'node:fs/promises';
import { Command, Option } from 'commander';
import {
  CheckedRecords,
  describeNoValidRecord,
  describeLimitExcess,
} from '../../steps/transform/quarantine-limit.ts';
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

/** The source name given to a file that belongs to no source. */
const FILE_SOURCE = 'preview';

/** Creates `pipeline preview SOURCE|FILE`, which shows what a run would make of a content. */
export function previewCommand(): Command {
  const command = new Command('preview')
    .description(
      'Fetch the beginning of a source or a file, and show the tables it would become and what would be quarantined. Nothing is written, and only the customer’s server is contacted.',
    )
    .argument('<source>', 'a source of pipeline.yaml, or a file')
    .option(
      '--records <number>',
      'how many records to read',
      wholeNumberParser(1, MAX_RECORDS),
      DEFAULT_RECORDS,
    )
    .addOption(
      new Option('--format <format>', 'the format of a file (default: detected from its beginning)').choices([
        'json-array',
        'ndjson',
      ] satisfies RecordFormat[]),
    )
    .option('--from <time>', 'start of the interval, for a source whose url has {from}', parseTimeArgument)
    .option('--to <time>', 'end of the interval, for a source whose url has {to}', parseTimeArgument)
    .option('--json', 'as a JSON object')
    .action(preview);
  return withExamples(
    command,
    'pipeline preview pearson',
    ['pipeline preview attempts.json.gz --records 50', 'a file, gzipped or not'],
    'pipeline preview pearson --json',
  );
}

async function preview(word: string, options: PreviewOptions): Promise<void> {
  const all = readSettings();
  const { settings, source, request } = await resolveContent(all, word, options);
  const { contentBytes, recordBytes } = settings.limits;
  const limits = { records: options.records, bytes: MAX_BYTES, contentBytes, recordBytes };
  const sample = await readSample(request, limits);
  const report = await checkSample(settings, source, sample.records);
  const overLimit = exceededLimit(settings, source, request.subject, sample, report);
  if (options.json === true) printJson(jsonOf(request.subject, sample, report, overLimit));
  else print(formatPreview(request.subject, sample, report, overLimit));
  if (sample.broken !== undefined) throw sample.broken;
  if (overLimit !== undefined) process.exitCode = EXIT.waiting;
}

interface NamedContent {
  /** The settings; for a file, with a source for it. */
  readonly settings: Settings;
  readonly source: string;
  readonly request: SampleRequest;
}

/** @throws {PipelineError} SOURCE_UNKNOWN or USAGE_INVALID */
async function resolveContent(
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

/** @throws {PipelineError} SOURCE_UNKNOWN, saying why the file cannot be read either. */
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

/** Returns why a run would wait for a person; undefined if it would not. */
function exceededLimit(
  settings: Settings,
  source: string,
  subject: string,
  { whole }: Sample,
  { landed, quarantined, reasons }: SampleReport,
): string | undefined {
  const { quarantineLimit } = sourceOf(settings, source);
  const checked = new CheckedRecords();
  checked.records = landed + quarantined;
  checked.bad = quarantined;
  checked.reasons.addAll(reasons);
  const what = `${subject}, as far as it was read`;
  const nothingGood = whole ? describeNoValidRecord(what, checked) : undefined;
  if (nothingGood !== undefined || quarantineLimit === undefined) return nothingGood;
  return describeLimitExcess(what, quarantineLimit, checked);
}

function jsonOf(
  subject: string,
  sample: Sample,
  report: SampleReport,
  overLimit: string | undefined,
): object {
  return {
    subject,
    format: sample.format,
    records: sample.records.length,
    bytes: sample.bytes,
    whole: sample.whole,
    landed: report.landed,
    quarantined: report.quarantined,
    reasons: report.reasons,
    firstQuarantined: report.bad.map((index) => index + 1),
    ...report.unknown,
    overLimit: overLimit ?? null,
    tables: report.tables,
  };
}
