import { formatDuration } from '../../model/duration.ts';
import { formatBytes, formatCount, formatNumber } from '../../model/figures.ts';
import type { RunStatus } from '../../model/run.ts';
import { STEPS, type Step } from '../../model/step.ts';

/** The progress of a step; the total is undefined while unknown. */
interface Progress {
  readonly done: number;
  readonly total: number | undefined;
}

/** A step's progress at a time. */
interface Sample {
  readonly ms: number;
  readonly done: number;
}

/** Rates are averaged over this window. */
const WINDOW_MS = 10_000;

/** No rate is shown before samples span this time. */
const MIN_INTERVAL_MS = 1_000;

const BAR_WIDTH = 24;

/** The states of a run that has not ended. */
const OPEN_STATES = new Set<RunStatus['state']>(['running', 'waiting']);

/** Renders a run as one progress bar per step, with rates and the time left computed from successive statuses. */
export class ProgressBars {
  readonly #startMs: number;
  readonly #samples = new Map<Step, Sample[]>(STEPS.map((step) => [step, []]));

  /** @param nowMs Now, in milliseconds of a monotonic clock. */
  constructor(nowMs: number) {
    this.#startMs = nowMs;
  }

  /** Returns the lines to show now, and samples the status for the rates. */
  lines(status: RunStatus, nowMs: number): string[] {
    const head = `${status.source}: ${formatState(status)}, watched for ${formatSeconds((nowMs - this.#startMs) / 1000)}`;
    return [head, ...STEPS.map((step) => this.#line(step, status, nowMs))];
  }

  #line(step: Step, status: RunStatus, nowMs: number): string {
    const progress = progressOf(step, status);
    const { recordsOut, quarantined, bytes } = status.steps[step];
    const hasBegun = STEPS.indexOf(step) <= STEPS.indexOf(status.step);
    if (hasBegun) this.#addSample(step, { ms: nowMs, done: progress.done });
    const details = [
      ...(recordsOut === 0 ? [] : [formatCount(recordsOut, 'record')]),
      ...(quarantined === 0 ? [] : [`${formatNumber(quarantined)} quarantined`]),
      ...(bytes === 0 ? [] : [formatBytes(bytes)]),
      ...this.#formatRate(step, progress),
    ];
    return `${step.padEnd(9)} ${formatBar(progress)} ${details.join(', ')}`.trimEnd();
  }

  #addSample(step: Step, sample: Sample): void {
    const samples = this.#samples.get(step) ?? [];
    samples.push(sample);
    while (samples.length > 2 && (samples[1]?.ms ?? 0) <= sample.ms - WINDOW_MS) samples.shift();
  }

  /** Returns a step's rate and the time left; nothing when it makes no progress or has ended. */
  #formatRate(step: Step, { done, total }: Progress): string[] {
    const samples = this.#samples.get(step) ?? [];
    const [first, last] = [samples[0], samples.at(-1)];
    if (first === undefined || last === undefined || total === undefined || done === total) return [];
    const seconds = (last.ms - first.ms) / 1000;
    if (seconds * 1000 < MIN_INTERVAL_MS || last.done === first.done) return [];
    const rate = (last.done - first.done) / seconds;
    const unit = step === 'publish' ? 'chunks' : 'offsets';
    return [`${formatRate(rate)} ${unit}/s`, `${formatSeconds((total - done) / rate)} left`];
  }
}

function formatRate(rate: number): string {
  return rate < 10 ? rate.toFixed(1) : formatNumber(Math.round(rate));
}

function formatSeconds(seconds: number): string {
  return formatDuration(Math.ceil(seconds)) || '0s';
}

function formatState({ state, step, waiting }: RunStatus): string {
  if (state === 'running') return step;
  return waiting === null ? state : `waits for a person at ${waiting.step}`;
}

/** The progress of a step that has ended, and of one whose total is unknown. */
const ENDED: Progress = { done: 1, total: 1 };
const UNKNOWN: Progress = { done: 0, total: undefined };

function progressOf(step: Step, status: RunStatus): Progress {
  if (hasSucceeded(status)) return ENDED;
  switch (step) {
    case 'fetch':
      return status.content !== null || status.step !== 'fetch' ? ENDED : UNKNOWN;
    case 'publish':
      return chunkProgress(status);
    case 'consume':
      return offsetProgress(status.offsetsConsumed, status);
    case 'transform':
      return offsetProgress(status.offsetsTransformed, status);
    case 'land':
      return offsetProgress(status.offsetsLanded, status);
  }
}

function hasSucceeded({ state }: RunStatus): boolean {
  return !OPEN_STATES.has(state) && state !== 'failed' && state !== 'cancelled';
}

function chunkProgress({ step, chunks, chunksPublished }: RunStatus): Progress {
  if (chunks > 0) return { done: chunksPublished, total: chunks };
  return step === 'fetch' || step === 'publish' ? UNKNOWN : ENDED;
}

function offsetProgress(offsets: number, { offsetsDue }: RunStatus): Progress {
  return offsetsDue === 0 ? UNKNOWN : { done: Math.min(offsets, offsetsDue), total: offsetsDue };
}

function formatBar({ done, total }: Progress): string {
  if (total === undefined) return `${'·'.repeat(BAR_WIDTH)}     `;
  const share = done / total;
  const filled = Math.floor(share * BAR_WIDTH);
  const percent = `${Math.floor(share * 100)} %`;
  return `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${percent.padStart(5)}`.slice(
    0,
    BAR_WIDTH + 6,
  );
}
