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
 * Shows a run's progress on standard error until it ends or waits for a person: as bars in a terminal, otherwise as a
 * line per change. Also shows that no worker is running. Ctrl-C ends the command, not the run.
 * @param onEnd Called with the last status.
 * @throws {PipelineError} RUN_FAILED when the run failed
 */
export async function followRun(
  client: Client,
  run: string,
  onEnd: (status: RunStatus) => void,
): Promise<void> {
  const handle = client.workflow.getHandle<typeof ingest>(run);
  const view = canRedraw() ? new BarsView() : new LinesView();
  const detach = (): void => {
    view.close();
    printError(`${run} keeps running; to follow it again: pipeline status ${run} --follow`);
    process.exit(INTERRUPTED);
  };
  process.once('SIGINT', detach);
  try {
    const { status, failure } = await watch(client, handle, view);
    view.close();
    onEnd(status);
    if (failure !== undefined) throw asRunFailure(run, failure);
    if (status.state === 'waiting') process.exitCode = EXIT.waiting;
  } finally {
    view.close();
    process.off('SIGINT', detach);
  }
}

/** A display of a run's changing status. */
interface View {
  readonly show: (status: RunStatus) => void;
  /** Shows why the status is unavailable. */
  readonly showUnavailable: (error: PipelineError) => void;
  readonly close: () => void;
}

/** Bars that are redrawn in place and removed at the end. */
class BarsView implements View {
  readonly #bars = new ProgressBars(performance.now());
  readonly #terminal = new LiveLines();
  #isOpen = true;

  show(status: RunStatus): void {
    this.#terminal.show(this.#bars.lines(status, performance.now()));
  }

  showUnavailable({ message, advice }: PipelineError): void {
    this.#terminal.show([message, advice]);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#terminal.remove();
  }
}

/** A line per change, for a log. */
class LinesView implements View {
  #lastLine = '';

  show(status: RunStatus): void {
    this.#printIfChanged(formatLine(status));
  }

  showUnavailable({ message, advice }: PipelineError): void {
    this.#printIfChanged(`${message}. ${advice}`);
  }

  close(): void {
    this.#lastLine = '';
  }

  #printIfChanged(line: string): void {
    if (line !== this.#lastLine) printError(line);
    this.#lastLine = line;
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
      // After the end, a missing worker is an error: the command does not wait for one to start.
      if (end !== undefined) return { status: await queryRunStatus(client, handle), ...end };
      const status = await pollStatus(client, handle, view);
      if (status === undefined) continue;
      view.show(status);
      if (status.state === 'waiting') return { status, failure: undefined };
    }
  } finally {
    // Cancels the long poll for the result, which would keep the process alive.
    stop.abort();
  }
}

/** Returns the run's status; undefined while no worker answers, which the view shows. */
async function pollStatus(
  client: Client,
  handle: WorkflowHandle<typeof ingest>,
  view: View,
): Promise<RunStatus | undefined> {
  try {
    return await queryRunStatus(client, handle);
  } catch (error) {
    if (!(error instanceof PipelineError) || error.code !== 'WORKER_MISSING') throw error;
    view.showUnavailable(error);
    return undefined;
  }
}

function asRunFailure(run: string, failure: unknown): unknown {
  if (!(failure instanceof WorkflowFailedError)) return failure;
  return new PipelineError('RUN_FAILED', `${run}: ${messageOf(failure.cause)}`, { cause: failure });
}
