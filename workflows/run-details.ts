import { decisionLines, type DecisionLog } from '../model/decisions.ts';
import type { FieldCounts } from '../model/field-counts.ts';
import { formatBytes, formatCount, formatNumber } from '../model/figures.ts';
import { escapeText } from '../model/printable.ts';
import { reasonLines, type ReasonCounts } from '../model/reasons.ts';
import { STEPS, type Interval, type RunStatus, type StepCounts, type Waiting } from '../model/run.ts';
import { skippedLines } from '../model/skipped.ts';

/**
 * The Temporal UI shows Markdown in a frame that is lower than what it holds by the margin above the first line.
 * This empty line is what it then cuts.
 */
const CUT_BY_THE_UI = '\u00a0';

const MAX_DECISIONS_SHOWN = 5;

const MAX_SKIPPED_SHOWN = 20;

/** A run's status as the Temporal UI shows it: Markdown. */
export function runDetails(status: RunStatus): string {
  const parts = [
    `**${plain(status.source)}** → ${status.topic === '' ? '…' : plain(status.topic)}: ${headline(status)}`,
    ...intervalLines(status.interval),
    ...stepsTable(status),
    ...rowsLines(status.rows),
    ...skippedLines(status, MAX_SKIPPED_SHOWN).map(plain),
    ...decisionsList(status.decisions),
    ...quarantineLines(status.reasons),
    ...unknownFieldsLines(status),
    CUT_BY_THE_UI,
  ];
  return parts.join('\n\n');
}

/** The steps that did something. */
function stepsTable({ steps }: RunStatus): string[] {
  const rows = STEPS.filter((step) => didSomething(steps[step])).map((step) => {
    const { recordsIn, recordsOut, quarantined, bytes, seconds } = steps[step];
    const figures = [formatNumber(recordsIn), formatNumber(recordsOut), formatNumber(quarantined)];
    return tableRow([step, ...figures, formatBytes(bytes), seconds.toFixed(1)]);
  });
  if (rows.length === 0) return [];
  const head = tableRow(['step', 'records in', 'records out', 'quarantined', 'bytes', 'seconds']);
  return [[head, '|---|---:|---:|---:|---:|---:|', ...rows].join('\n')];
}

/** The UI gives columns no room between them, and cells are trimmed of ordinary spaces. */
function tableRow([first = '', ...cells]: readonly string[]): string {
  return `| ${first} |${cells.map((cell) => ` \u2003${cell} |`).join('')}`;
}

function didSomething({ recordsIn, seconds }: StepCounts): boolean {
  return recordsIn > 0 || seconds > 0;
}

/** The latest decisions; the query `status` has more. */
function decisionsList({ latest, earlier }: DecisionLog): string[] {
  const shown = latest.slice(-MAX_DECISIONS_SHOWN);
  const lines = decisionLines({ latest: shown, earlier: earlier + latest.length - shown.length });
  return lines.length === 0
    ? []
    : [['Persons decided:', '', ...lines.map((line) => `- ${plain(line)}`)].join('\n')];
}

function quarantineLines(reasons: ReasonCounts): string[] {
  const lines = reasonLines(reasons);
  return lines.length === 0
    ? []
    : [['In quarantine:', '', ...lines.map((line) => `- ${plain(line)}`)].join('\n')];
}

function intervalLines({ from, to }: Interval): string[] {
  return from === null && to === null ? [] : [plain(`Interval: ${from ?? '…'} to ${to ?? '…'}`)];
}

function rowsLines(rows: RunStatus['rows']): string[] {
  const some = Object.entries(rows).filter(([, count]) => count > 0);
  const landed = some.map(([table, count]) => `${plain(table)} ${formatNumber(count)}`);
  return landed.length === 0 ? [] : [`Rows landed: ${landed.join(', ')}`];
}

function unknownFieldsLines({ unknownFields, otherUnknownFields: { paths } }: FieldCounts): string[] {
  const met = Object.keys(unknownFields).length + paths;
  if (met === 0) return [];
  const which = `${formatCount(met, 'field')}${paths === 0 ? '' : ' or more'}`;
  const listed = paths === 0 ? 'them' : 'the most frequent';
  return [`No table knows ${which} that were met; the query \`status\` lists ${listed}.`];
}

function headline(status: RunStatus): string {
  if (status.waiting !== null) return waitingLines(status.waiting);
  switch (status.state) {
    case 'unchanged':
      return 'unchanged; this content landed before';
    case 'nothing-new':
      return 'nothing new';
    case 'landed':
      return `landed in ${formatCount(status.batches, 'batch', 'batches')}`;
    case 'failed':
      return `**failed** at ${status.step}\n\n${plain(status.failure ?? '')}`;
    case 'cancelled':
      return `**cancelled** at ${status.step}`;
    case 'running':
    case 'waiting':
      return `${status.step}${progress(status)}`;
  }
}

function progress({ step, chunks, chunksPublished, offsetsDue, offsetsLanded }: RunStatus): string {
  if (step === 'fetch') return '';
  if (step === 'publish') return `, ${formatNumber(chunksPublished)} of ${formatCount(chunks, 'chunk')}`;
  return `, ${formatNumber(offsetsLanded)} of ${formatCount(offsetsDue, 'offset')} landed`;
}

function waitingLines({ step, what, code, message, advice, canSkip }: Waiting): string {
  return [
    `**waits for a person** at ${step} of ${plain(what)}`,
    `${plain(code)}: ${plain(message)}`,
    `${plain(advice)} Then send the update \`retry\`${canSkip ? ', `skip`' : ''} or \`abort\` (More Actions, Send an Update).`,
  ].join('\n\n');
}

/**
 * Returns a text as one line in which Markdown finds nothing to do: no mark-up, no link, no entity, no HTML; and in which
 * no character hides or reorders others.
 */
function plain(text: string): string {
  return escapeText(text).replaceAll(/[!-/:-@[-`{-~]/g, '\\$&');
}
