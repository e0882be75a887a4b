import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError, type Client, type WorkflowHandle } from '@temporalio/client';
import { PipelineError, messageOf } from '../../model/errors.ts';
import type { RunStatus } from '../../model/run.ts';
import type { ingest } from '../../workflows/index.ts';
import { EXIT, INTERRUPTED } from '../cli/exit.ts';
import { printError } from '../cli/output.ts';
import { LiveLines, canRedraw } from '../cli/output/live.ts';
import { ProgressBars } from './progress-bars.ts';
import { formatLine } from './progress.ts';
import { queryRunStatus } from './run-status.ts';

const POLL_MS = 250;

/**
 * Shows on standard error how a run goes, until it ends or waits for a person: as bars in a terminal, else as a line
 * for each thing that changed. While no worker is there to say it, that is shown. Ctrl-C ends the command, not the
 * run, and says so.
 * @param ended Told how the run is then.
 * @throws {PipelineError} RUN_FAILED when the run failed.
 */
export async function follow(client: Client, run: string, ended: (status: RunStatus) => void): Promise<void> {
  const handle = client.workflow.getHandle<typeof ingest>(run);
  const view = canRedraw() ? new BarsView() : new LinesView();
  const leave = (): void => {
    view.close();
    printError(`${run} goes on without this command; to see it again: pipeline status ${run} --follow`);
    process.exit(INTERRUPTED);
  };
  process.once('SIGINT', leave);
  try {
    const { status, failure } = await watch(client, handle, view);
    view.close();
    ended(status);
    if (failure !== undefined) throw asRunFailure(run, failure);
    if (status.state === 'waiting') process.exitCode = EXIT.waiting;
  } finally {
    view.close();
    process.off('SIGINT', leave);
  }
}

/** How a run's status is shown while it changes. */
interface View {
  readonly show: (status: RunStatus) => void;
  /** Shows that nobody says how the run is, and why. */
  readonly miss: (why: PipelineError) => void;
  readonly close: () => void;
}

/** Bars that are drawn anew in place, and gone in the end. */
class BarsView implements View {
  readonly #bars = new ProgressBars(performance.now());
  readonly #terminal = new LiveLines();
  #isOpen = true;

  show(status: RunStatus): void {
    this.#terminal.show(this.#bars.lines(status, performance.now()));
  }

  miss({ message, advice }: PipelineError): void {
    this.#terminal.show([message, advice]);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#terminal.remove();
  }
}

/** A line for each thing that changed, for a log. */
class LinesView implements View {
  #shown = '';

  show(status: RunStatus): void {
    this.#say(formatLine(status));
  }

  miss({ message, advice }: PipelineError): void {
    this.#say(`${message}. ${advice}`);
  }

  close(): void {
    this.#shown = '';
  }

  #say(line: string): void {
    if (line !== this.#shown) printError(line);
    this.#shown = line;
  }
}

async function watch(
  client: Client,
  handle: WorkflowHandle<typeof ingest>,
  view: View,
): Promise<{ status: RunStatus; failure: unknown }> {
  const stop = new AbortController();
  const ended = client
    .withAbortSignal(stop.signal, () => handle.result())
    .then(
      () => ({ failure: undefined }),
      (failure: unknown) => ({ failure }),
    );
  try {
    for (;;) {
      const end = await Promise.race([ended, sleep(POLL_MS, undefined)]);
      // One that has ended is not waited for: only what goes on can go on when a worker comes.
      if (end !== undefined) return { status: await queryRunStatus(client, handle), ...end };
      const status = await answeredStatus(client, handle, view);
      if (status === undefined) continue;
      view.show(status);
      if (status.state === 'waiting') return { status, failure: undefined };
    }
  } finally {
    // Asking for the result takes as long as Temporal lets one ask, and would keep the command from ending.
    stop.abort();
  }
}

/** How a run is; undefined, and shown, while no worker says so. */
async function answeredStatus(
  client: Client,
  handle: WorkflowHandle<typeof ingest>,
  view: View,
): Promise<RunStatus | undefined> {
  try {
    return await queryRunStatus(client, handle);
  } catch (error) {
    if (!(error instanceof PipelineError) || error.code !== 'WORKER_MISSING') throw error;
    view.miss(error);
    return undefined;
  }
}

function asRunFailure(run: string, failure: unknown): unknown {
  if (!(failure instanceof WorkflowFailedError)) return failure;
  return new PipelineError('RUN_FAILED', `${run}: ${messageOf(failure.cause)}`, { cause: failure });
}
