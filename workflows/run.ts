import {
  CancellationScope,
  ContinueAsNew,
  continueAsNew,
  isCancellation,
  log,
  workflowInfo,
} from '@temporalio/workflow';
import type { RecordRequest } from '../activities/record.ts';
import { messageOf } from '../model/errors.ts';
import type { IsoTime, PartitionEnds } from '../model/references.ts';
import type { IngestRequest, IngestResult, RunEnd, RunStatus } from '../model/run.ts';
import { anyHost, cleanUpHost, failureOf, recordFailedRun } from './activity-proxies.ts';
import { withDecisionTimeout } from './decision-timeout.ts';
import { Decisions } from './decisions.ts';
import { endOf } from './run-ends.ts';
import { RunState } from './run-state.ts';
import { scheduledDecisionTimeout, withInterval } from './scheduled-run.ts';

/** The offsets that a run published to its topic. */
export interface PublishedContent {
  /** For each partition that got a message, the offset after the last one. */
  readonly ends: PartitionEnds;
  /** Whether the source's content was ingested before, so that nothing was published. */
  readonly isUnchanged: boolean;
}

/** The state that a run hands on to its next history. */
export interface Carried {
  readonly status: RunStatus;
  readonly startedAt: IsoTime;
  /** How long the run waits for a decision, in seconds; null without end. */
  readonly decisionTimeout: number | null;
  readonly published: PublishedContent;
  /** The ends of the run's first plan: later messages are left to later runs. */
  readonly until: PartitionEnds;
}

const RUNS_ROW = 'the run’s row in the table runs';

/** One execution of `ingest`: its request and state, the decisions that it waits for, and how it ends. */
export class Run {
  readonly request: IngestRequest;
  readonly state: RunState;
  readonly decisions: Decisions;
  /** Set where an earlier history of the run published. */
  readonly published: PublishedContent | undefined;
  /** The ends of the run's first plan; null before it. */
  readonly until: PartitionEnds | null;
  readonly #startedAt: IsoTime;
  readonly #decisionTimeout: number | null;
  readonly #hosts = new Set<string>();

  constructor(request: IngestRequest, carried: Carried | undefined) {
    // The interval of a scheduled run becomes from and to once, at its start.
    this.request = carried === undefined ? withInterval(request) : request;
    this.published = carried?.published;
    this.until = carried?.until ?? null;
    this.#startedAt = carried?.startedAt ?? workflowInfo().startTime.toISOString();
    this.#decisionTimeout =
      carried === undefined ? scheduledDecisionTimeout(request) : carried.decisionTimeout;
    this.state = new RunState(this.request, carried?.status);
    this.decisions = new Decisions(this.state);
  }

  /** The UTC day that names the partition of the run's rows: that of its start, so that each retry writes to the same. */
  get ingestedOn(): string {
    return this.#startedAt.slice(0, 10);
  }

  /** Notes a host on whose disk the run has files. */
  useHost(hostId: string): void {
    this.#hosts.add(hostId);
  }

  /** Runs the steps; records a failure, and removes the run's files from its hosts, however it ends. */
  async execute(steps: () => Promise<IngestResult>): Promise<IngestResult> {
    try {
      return this.#decisionTimeout === null
        ? await steps()
        : await withDecisionTimeout(this.state, this.#decisionTimeout, steps);
    } catch (error) {
      if (!(error instanceof ContinueAsNew)) await CancellationScope.nonCancellable(() => this.#fail(error));
      throw error;
    } finally {
      await CancellationScope.nonCancellable(() => this.#cleanUp());
    }
  }

  /** Continues in a new history, since Temporal bounds the length of one. */
  async continueAsNew(left: Pick<Carried, 'published' | 'until'>): Promise<never> {
    const carried: Carried = {
      ...left,
      status: this.state.status(),
      startedAt: this.#startedAt,
      decisionTimeout: this.#decisionTimeout,
    };
    return this.decisions.attempt({ step: 'land', what: 'the run in a new history' }, () =>
      continueAsNew<(request: IngestRequest, carried: Carried) => Promise<IngestResult>>(
        this.request,
        carried,
      ),
    );
  }

  /** Ends the run with its outcome. A run that landed, or that a person decided about, gets its row in the table `runs`. */
  async end(isUnchanged: boolean): Promise<IngestResult> {
    const outcome = this.state.outcome(isUnchanged);
    if (outcome === 'landed' || this.state.hasDecisions) {
      await this.decisions.attempt({ step: 'land', what: RUNS_ROW }, () =>
        // Made for each attempt, with the decisions about this very step.
        anyHost(RUNS_ROW).record(this.#recordOf(outcome)),
      );
    }
    this.state.end(outcome);
    return this.state.result(outcome);
  }

  /**
   * Writes the decisions of a failed run into the table `runs`. The run fails all the same where that fails, as when
   * HDFS is why it was aborted; its failure and status then are the only record.
   */
  async #fail(error: unknown): Promise<void> {
    const end = endOf(error);
    if (end !== undefined && this.state.hasDecisions) {
      try {
        await recordFailedRun(this.#recordOf(end));
      } catch (cause) {
        log.warn('the decisions about the run could not be written into the table runs', { error: cause });
      }
    }
    if (isCancellation(error)) this.state.fail('cancelled', 'cancelled');
    else this.state.fail('failed', failureOf(error)?.message ?? messageOf(error));
  }

  #recordOf(outcome: RunEnd): RecordRequest {
    return {
      request: this.request,
      result: this.state.result(outcome),
      startedAt: this.#startedAt,
      finishedAt: new Date().toISOString(),
      ingestedOn: this.ingestedOn,
    };
  }

  /** Removes the run's files from its hosts. A host that does not answer is cleaned by its worker's next start. */
  async #cleanUp(): Promise<void> {
    for (const host of this.#hosts) {
      try {
        await cleanUpHost(host);
      } catch (error) {
        log.warn('a host was not cleaned up', { host, error });
      }
    }
  }
}
