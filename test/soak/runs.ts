import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowExecutionAlreadyStartedError, WorkflowFailedError } from '@temporalio/client';
import { messageOf } from '../../model/errors.ts';
import type { IngestRequest, IngestResult } from '../../model/run.ts';
import { STEP } from '../../model/search-attributes.ts';
import type { ingest } from '../../workflows/index.ts';
import { queryStatus, type TestPipeline } from '../support/harness.ts';

/** Options of requests to Temporal, which may be down. */
const ASK_MS = 15_000;
/** Retry timeout: longer than any fault and its consequences. */
const PATIENCE_MS = 240_000;

interface Listed {
  readonly workflowId: string;
  readonly runId: string;
  readonly isRunning: boolean;
  readonly isWaiting: boolean;
}

/** The runs of a soak: starts them, retries those that wait for a decision, and records their outcomes. */
export class Runs {
  /** Number of completed runs, by outcome. */
  readonly outcomes = new Map<string, number>();
  /** How often a run waited for a decision, by the code of its error. */
  readonly waited = new Map<string, number>();
  /** Failed runs, each with its error. */
  readonly failures: string[] = [];
  /** Number of open runs. */
  open = 0;
  readonly #pipeline: TestPipeline;
  readonly #onResult: (result: IngestResult) => void;
  readonly #ended = new Set<string>();
  #started = 0;

  /** @param onResult Called for each run that completes. */
  constructor(pipeline: TestPipeline, onResult: (result: IngestResult) => void) {
    this.#pipeline = pipeline;
    this.#onResult = onResult;
  }

  get count(): number {
    return this.#ended.size;
  }

  /** Starts a run; retries until Temporal answers. */
  async start(request: IngestRequest, by: 'client' | 'command'): Promise<void> {
    this.#started += 1;
    this.open += 1;
    const id = `soak-${request.source}-${this.#started}`;
    await persist(`${id} is started`, () =>
      by === 'client' ? this.#start(id, request) : this.#command(request),
    );
  }

  /** Decides for waiting runs until the signal is aborted. */
  async supervise(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await persist('the waiting runs are decided', () => this.#decideWaiting());
      await sleep(500, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Waits until no run is open; {@link supervise} must be running. */
  async waitForAll(timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const open = (await persist('the runs are listed', () => this.#list())).filter((run) =>
        this.#isOpen(run),
      );
      if (open.length === 0) return;
      if (Date.now() > deadline)
        throw new Error(`runs that do not end: ${open.map(({ workflowId }) => workflowId).join(', ')}`);
      await sleep(500);
    }
  }

  #isOpen({ runId }: Listed): boolean {
    return !this.#ended.has(runId);
  }

  async #start(workflowId: string, request: IngestRequest): Promise<void> {
    const { client, settings } = this.#pipeline;
    const { taskQueue } = settings.temporal;
    try {
      await client.withDeadline(Date.now() + ASK_MS, () =>
        client.workflow.start<typeof ingest>('ingest', { taskQueue, workflowId, args: [request] }),
      );
    } catch (error) {
      // An earlier request succeeded, and its response was lost.
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }

  async #command({ source, from, to }: IngestRequest): Promise<void> {
    const interval = from === undefined || to === undefined ? [] : ['--from', from, '--to', to];
    const { code, stderr } = await this.#pipeline.command('start', source, ...interval);
    if (code !== 0) throw new Error(stderr);
  }

  async #list(): Promise<Listed[]> {
    const { client, name } = this.#pipeline;
    const query = `TaskQueue = '${name}' AND WorkflowType = 'ingest'`;
    return client.withDeadline(Date.now() + ASK_MS, async () => {
      const runs: Listed[] = [];
      for await (const { workflowId, runId, status, typedSearchAttributes } of client.workflow.list({
        query,
      })) {
        const isWaiting = typedSearchAttributes.get(STEP) === 'waiting';
        runs.push({ workflowId, runId, isRunning: status.name === 'RUNNING', isWaiting });
      }
      return runs;
    });
  }

  async #decideWaiting(): Promise<void> {
    const { client } = this.#pipeline;
    const listed = (await this.#list()).filter((run) => this.#isOpen(run));
    this.open = listed.length;
    for (const run of listed) {
      if (!run.isRunning) await client.withDeadline(Date.now() + ASK_MS, () => this.#note(run));
      else if (run.isWaiting) await client.withDeadline(Date.now() + ASK_MS, () => this.#retry(run));
    }
  }

  async #note({ workflowId, runId }: Listed): Promise<void> {
    const handle = this.#pipeline.client.workflow.getHandle<typeof ingest>(workflowId, runId);
    try {
      const result = await handle.result();
      this.#onResult(result);
      add(this.outcomes, result.outcome);
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error;
      add(this.outcomes, 'failed');
      this.failures.push(`${workflowId} failed: ${messageOf(error.cause ?? error)}`);
    }
    this.#ended.add(runId);
  }

  async #retry({ workflowId, runId }: Listed): Promise<void> {
    const handle = this.#pipeline.client.workflow.getHandle<typeof ingest>(workflowId, runId);
    const { waiting } = await queryStatus(handle);
    if (waiting === null) return;
    await handle.executeUpdate('retry');
    add(this.waited, waiting.code);
  }
}

/** Retries something for as long as servers may be down. */
export async function persist<T>(what: string, work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`did not happen: ${what}`, { cause: error });
      await sleep(500);
    }
  }
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
