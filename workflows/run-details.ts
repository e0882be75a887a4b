import { decisionLines, type DecisionLog } from '../model/decisions.ts';
import { erasedLines } from '../model/erasure.ts';
import type { FieldCounts } from '../model/field-counts.ts';
import { formatBytes, formatCount, formatNumber } from '../model/figures.ts';
import { escapeText } from '../model/printable.ts';
import { reasonLines, type ReasonCounts } from '../model/reasons.ts';
import type { Interval, RunStatus, StepCounts, Waiting } from '../model/run.ts';
import { STEPS } from '../model/step.ts';
import { skippedLines } from '../model/skipped.ts';

/** The Temporal UI's frame cuts off the last line of Markdown; this line takes its place. */
const CUT_BY_THE_UI = '\u00a0';

const MAX_DECISIONS_SHOWN = 5;

const MAX_SKIPPED_SHOWN = 20;

/** Returns a run's status as Markdown for the Temporal UI. */
export function formatRunDetails(status: RunStatus): string {
  const parts = [
    `**${plain(status.source)}** → ${status.topic === '' ? '…' : plain(status.topic)}: ${headline(status)}`,
    ...intervalLines(status.interval),
    ...stepsTable(status),
    ...rowsLines(status.rows),
    ...skippedLines(status, MAX_SKIPPED_SHOWN).map(plain),
    ...erasedLines(status),
    ...decisionsList(status.decisions),
    ...quarantineLines(status.reasons),
    ...unknownFieldsLines(status),
    CUT_BY_THE_UI,
  ];
  return parts.join('\n\n');
}

/** Returns the table of steps that processed records. */
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

/** Pads cells with em spaces: the UI leaves no room between columns, and Markdown trims ordinary spaces. */
function tableRow([first = '', ...cells]: readonly string[]): string {
  return `| ${first} |${cells.map((cell) => ` \u2003${cell} |`).join('')}`;
}

function didSomething({ recordsIn, seconds }: StepCounts): boolean {
  return recordsIn > 0 || seconds > 0;
}

/** Returns the latest decisions; the query `status` has more. */
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

/** Escapes a text for Markdown: no mark-up, link, entity or HTML, and no character that hides or reorders others. */
function plain(text: string): string {
  return escapeText(text).replaceAll(/[!-/:-@[-`{-~]/g, '\\$&');
}
