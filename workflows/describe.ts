import { reasonLines, type ReasonCounts } from '../model/reasons.ts';
import { STEPS, skippedText, type Interval, type RunStatus, type Waiting } from '../model/run.ts';

/** A run's status as the Temporal UI shows it: Markdown. */
export function describeRun(status: RunStatus): string {
  const rows = STEPS.map((step) => {
    const { recordsIn, recordsOut, quarantined, bytes, seconds } = status.steps[step];
    return `| ${step} | ${recordsIn} | ${recordsOut} | ${quarantined} | ${bytes} | ${seconds.toFixed(1)} |`;
  });
  return [
    `**${status.source}** → ${status.topic === '' ? '…' : status.topic}: ${headline(status)}`,
    ...intervalLines(status.interval),
    '',
    '| step | records in | records out | quarantined | bytes | seconds |',
    '|---|---:|---:|---:|---:|---:|',
    ...rows,
    ...status.skipped.map((skipped) => `\n${skippedText(skipped)}`),
    ...quarantineLines(status.reasons),
  ].join('\n');
}

function quarantineLines(reasons: ReasonCounts): string[] {
  const lines = reasonLines(reasons);
  return lines.length === 0 ? [] : ['', 'In quarantine:', '', ...lines.map((line) => `- ${line}`)];
}

function intervalLines({ from, to }: Interval): string[] {
  return from === null && to === null ? [] : ['', `Interval: ${from ?? '…'} to ${to ?? '…'}`];
}

function headline(status: RunStatus): string {
  if (status.waiting !== null) return waitingLine(status.waiting);
  switch (status.state) {
    case 'unchanged':
      return 'unchanged; this content landed before';
    case 'nothing-new':
      return 'nothing new';
    case 'landed':
      return `landed ${status.batches} batches`;
    case 'running':
    case 'waiting':
      return `${status.step}; ${status.offsetsLanded} of ${status.offsetsDue} offsets landed`;
  }
}

function waitingLine({ step, what, code, message, advice, canSkip }: Waiting): string {
  return [
    `**waits for a person** at ${step} of ${what}`,
    '',
    `${code}: ${message}`,
    '',
    `${advice} Then send the update \`retry\`${canSkip ? ', `skip`' : ''} or \`abort\`.`,
  ].join('\n');
}
