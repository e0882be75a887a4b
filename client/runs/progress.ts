import { DECISIONS, decisionLines } from '../../model/decisions.ts';
import { fieldLines } from '../../model/field-counts.ts';
import { formatBytes } from '../../model/figures.ts';
import { shorten } from '../../model/printable.ts';
import { reasonLines } from '../../model/reasons.ts';
import type { Interval, RunStatus } from '../../model/run.ts';
import { STEPS } from '../../model/step.ts';
import { erasedLines } from '../../model/erasure.ts';
import { skippedLines } from '../../model/skipped.ts';
import { formatTable } from '../cli/output.ts';

/** Longer field paths and reasons are cut. */
const MAX_DATA_CHARACTERS = 200;

/** Formats a run's status for people: a summary line, a table of its steps, decisions, quarantine reasons and field counts. */
export function formatStatus(workflowId: string, status: RunStatus): string[] {
  const rows = STEPS.map((step) => {
    const { recordsIn, recordsOut, quarantined, bytes, seconds } = status.steps[step];
    return [step, recordsIn, recordsOut, quarantined, formatBytes(bytes), seconds.toFixed(1)];
  });
  const lines = [
    `${workflowId}: ${formatLine(status)}`,
    ...formatInterval(status.interval),
    ...formatTable(['step', 'records in', 'records out', 'quarantined', 'bytes', 'seconds'], rows),
    ...skippedLines(status),
    ...erasedLines(status),
    ...decisionLines(status.decisions).map((line) => `decided: ${line}`),
    ...reasonLines(status.reasons).map((line) => `quarantined: ${shorten(line, MAX_DATA_CHARACTERS)}`),
    ...fieldLines(status),
  ];
  if (status.waiting !== null) lines.push(...formatWaiting(workflowId, status.waiting));
  return lines;
}

/** Formats a run's state in one line. */
export function formatLine(status: RunStatus): string {
  const { state, step, source, chunks, chunksPublished, offsetsDue, offsetsLanded, failure } = status;
  if (state === 'unchanged') return `${source} is unchanged: this content was ingested before`;
  if (state === 'nothing-new') return `${source} has nothing new`;
  if (state === 'landed') return `${source} landed`;
  if (state === 'failed') return `${source} failed at ${step}: ${failure ?? ''}`;
  if (state === 'cancelled') return `${source} was cancelled at ${step}`;
  if (state === 'waiting') return `${source} waits for a person at ${step}`;
  if (step === 'fetch') return `${source}: fetch`;
  if (step === 'publish') return `${source}: publish, ${chunksPublished} of ${chunks} chunks`;
  return `${source}: ${step}, ${offsetsLanded} of ${offsetsDue} offsets landed`;
}

function formatInterval({ from, to }: Interval): string[] {
  return from === null && to === null ? [] : [`interval: ${from ?? '…'} to ${to ?? '…'}`];
}

function formatWaiting(
  workflowId: string,
  { step, what, code, message, advice, since, canSkip }: NonNullable<RunStatus['waiting']>,
): string[] {
  const decisions = canSkip ? DECISIONS : DECISIONS.filter((decision) => decision !== 'skip');
  return [
    `Waiting for a person since ${since}, at ${step} of ${what}:`,
    `  ${code}: ${message}`,
    `  ${advice}`,
    'Then decide with one of these commands, or send the update in the Temporal UI:',
    ...decisions.map((decision) => `  pipeline ${decision} ${workflowId}`),
  ];
}
