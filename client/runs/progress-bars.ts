import { formatDuration } from '../../model/duration.ts';
import { formatBytes, formatCount, formatNumber } from '../../model/figures.ts';
import { STEPS, type RunStatus, type Step } from '../../model/run.ts';

/** How far a step is; undefined where nothing says how much there is to do. */
interface Reach {
  readonly done: number;
  readonly all: number | undefined;
}

/** What was seen of a step at a time. */
interface Sighting {
  readonly ms: number;
  readonly done: number;
}

/** Rates are those of the last so many milliseconds. */
const WINDOW_MS = 10_000;

/** Too little was seen in less to speak of a rate. */
const MIN_INTERVAL_MS = 1_000;

const BAR_WIDTH = 24;

/** The states in which a run goes on. */
const GOES_ON = new Set<RunStatus['state']>(['running', 'waiting']);

/** A run as bars, a step a line, with rates and the time left; made of what its status said from time to time. */
export class ProgressBars {
  readonly #beganMs: number;
  readonly #seen = new Map<Step, Sighting[]>(STEPS.map((step) => [step, []]));

  /** @param nowMs When the watching began, in milliseconds of any clock that only goes forward. */
  constructor(nowMs: number) {
    this.#beganMs = nowMs;
  }

  /** The lines to show now. */
  lines(status: RunStatus, nowMs: number): string[] {
    const head = `${status.source}: ${headOf(status)}, watched for ${secondsText((nowMs - this.#beganMs) / 1000)}`;
    return [head, ...STEPS.map((step) => this.#line(step, status, nowMs))];
  }

  #line(step: Step, status: RunStatus, nowMs: number): string {
    const reach = reachOf(step, status);
    const { recordsOut, quarantined, bytes } = status.steps[step];
    const hasBegun = STEPS.indexOf(step) <= STEPS.indexOf(status.step);
    if (hasBegun) this.#take(step, { ms: nowMs, done: reach.done });
    const said = [
      ...(recordsOut === 0 ? [] : [formatCount(recordsOut, 'record')]),
      ...(quarantined === 0 ? [] : [`${formatNumber(quarantined)} quarantined`]),
      ...(bytes === 0 ? [] : [formatBytes(bytes)]),
      ...this.#paceOf(step, reach),
    ];
    return `${step.padEnd(9)} ${barOf(reach)} ${said.join(', ')}`.trimEnd();
  }

  #take(step: Step, sighting: Sighting): void {
    const seen = this.#seen.get(step) ?? [];
    seen.push(sighting);
    while (seen.length > 2 && (seen[1]?.ms ?? 0) <= sighting.ms - WINDOW_MS) seen.shift();
  }

  /** How fast a step is, and how long it will take; nothing where it stands still or has ended. */
  #paceOf(step: Step, { done, all }: Reach): string[] {
    const seen = this.#seen.get(step) ?? [];
    const [first, last] = [seen[0], seen.at(-1)];
    if (first === undefined || last === undefined || all === undefined || done === all) return [];
    const seconds = (last.ms - first.ms) / 1000;
    if (seconds * 1000 < MIN_INTERVAL_MS || last.done === first.done) return [];
    const rate = (last.done - first.done) / seconds;
    const unit = step === 'publish' ? 'chunks' : 'offsets';
    return [`${formatRate(rate)} ${unit}/s`, `${secondsText((all - done) / rate)} left`];
  }
}

function formatRate(rate: number): string {
  return rate < 10 ? rate.toFixed(1) : formatNumber(Math.round(rate));
}

function secondsText(seconds: number): string {
  return formatDuration(Math.ceil(seconds)) || '0s';
}

function headOf({ state, step, waiting }: RunStatus): string {
  if (state === 'running') return step;
  return waiting === null ? state : `waits for a person at ${waiting.step}`;
}

/** Chunks of a publish, offsets of what follows. */
function reachOf(step: Step, status: RunStatus): Reach {
  const { state, content, chunks, chunksPublished, offsetsDue } = status;
  const { offsetsConsumed, offsetsTransformed, offsetsLanded } = status;
  const isOver = !GOES_ON.has(state) && state !== 'failed' && state !== 'cancelled';
  if (step === 'fetch') {
    const isFetched = isOver || content !== null || status.step !== 'fetch';
    return isFetched ? { done: 1, all: 1 } : { done: 0, all: undefined };
  }
  if (isOver) return { done: 1, all: 1 };
  if (step === 'publish') {
    const isPast = status.step !== 'fetch' && status.step !== 'publish';
    if (chunks > 0) return { done: chunksPublished, all: chunks };
    return isPast ? { done: 1, all: 1 } : { done: 0, all: undefined };
  }
  if (offsetsDue === 0) return { done: 0, all: undefined };
  const reached = { consume: offsetsConsumed, transform: offsetsTransformed, land: offsetsLanded }[step];
  return { done: Math.min(reached, offsetsDue), all: offsetsDue };
}

function barOf({ done, all }: Reach): string {
  if (all === undefined) return `${'·'.repeat(BAR_WIDTH)}     `;
  const share = done / all;
  const filled = Math.floor(share * BAR_WIDTH);
  const percent = `${Math.floor(share * 100)} %`;
  return `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${percent.padStart(5)}`.slice(
    0,
    BAR_WIDTH + 6,
  );
}
