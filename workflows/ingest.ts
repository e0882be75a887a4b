import {
  CancellationScope,
  ContinueAsNew,
  continueAsNew,
  isCancellation,
  log,
  workflowInfo,
} from '@temporalio/workflow';
import type { Fetched, FetchRequest } from '../activities/fetch.ts';
import type { RecordRequest } from '../activities/record.ts';
import { messageOf } from '../model/errors.ts';
import { addEnds, chunksPublished, type PublishedChunk } from '../model/published.ts';
import type { Chunk, IsoTime, PartitionEnds } from '../model/references.ts';
import type { IngestRequest, IngestResult, RunEnd, RunOutcome, RunStatus } from '../model/run.ts';
import { publishSummary, fetchSummary, quarantineLimitSummary } from './summaries.ts';
import { anyHost, failureOf, isHostLost, onHost, recordAtTheEnd, cleanUpHost } from './activity-proxies.ts';
import { landTopic, type LandUntil } from './land-batches.ts';
import { withDecisionTimeout } from './decision-timeout.ts';
import { Decisions, SKIPPED } from './decisions.ts';
import { requireContinued, requireRequest } from './request.ts';
import { endOf } from './run-ends.ts';
import { RunState } from './run-state.ts';
import { scheduledDecisionTimeout, withInterval } from './scheduled-run.ts';

/**
 * One run: fetch, publish, consume, transform and land, in order, for what a source has and its topic holds.
 *
 * Its durable checkpoints are Kafka's offsets and the tables' logs; what is staged on a host's disk can be
 * made again from them. When the retries of a step are used up, the run waits for a person.
 * @param carried Where a run goes on that began with another history; nobody else gives it.
 */
export async function ingest(request: IngestRequest, carried?: Carried): Promise<IngestResult> {
  requireRequest(request);
  requireContinued(carried);
  const hosts = new Set<string>();
  const run = new Ingest(carried === undefined ? withInterval(request) : request, hosts, carried);
  const patience = carried === undefined ? scheduledDecisionTimeout(request) : carried.patience;
  try {
    return await run.run(patience);
  } catch (error) {
    if (!(error instanceof ContinueAsNew)) {
      await CancellationScope.nonCancellable(() => run.recordDecisions(error));
      run.fail(error);
    }
    throw error;
  } finally {
    await CancellationScope.nonCancellable(() => cleanUpHosts(hosts));
  }
}

/** What a run takes over into a new history. */
export interface Carried {
  readonly status: RunStatus;
  readonly startedAt: IsoTime;
  /** How long it waits for a person, in seconds; null for ever. */
  readonly patience: number | null;
  readonly isUnchanged: boolean;
  readonly rest: LandUntil;
}

/**
 * How many chunks one activity publishes at most: few are handed over by Temporal, and a run says often enough how
 * far it is.
 */
const CHUNKS_A_PUBLISH = 16;

/** What is to be landed, and whether the source had anything new. */
type Brought = Pick<Carried, 'isUnchanged' | 'rest'>;

class Ingest {
  readonly #request: IngestRequest;
  readonly #hosts: Set<string>;
  readonly #run: RunState;
  readonly #person: Decisions;
  readonly #carried: Carried | undefined;
  readonly #startedAt: IsoTime;

  constructor(request: IngestRequest, hosts: Set<string>, carried: Carried | undefined) {
    this.#request = request;
    this.#hosts = hosts;
    this.#carried = carried;
    this.#startedAt = carried?.startedAt ?? workflowInfo().startTime.toISOString();
    this.#run = new RunState(request, carried?.status);
    this.#person = new Decisions(this.#run);
  }

  /** @param patience For how many seconds it waits for a person; null for ever. */
  async run(patience: number | null): Promise<IngestResult> {
    const work = (): Promise<IngestResult> => this.#ingest(patience);
    return patience === null ? work() : withDecisionTimeout(this.#run, patience, work);
  }

  fail(error: unknown): void {
    if (isCancellation(error)) this.#run.fail('cancelled', 'cancelled');
    else this.#run.fail('failed', failureOf(error)?.message ?? messageOf(error));
  }

  /**
   * Writes what persons told the run into the table `runs`, where an error ends it. It ends all the same where that
   * fails, as when HDFS is why it was aborted; then its failure and its status alone say it.
   */
  async recordDecisions(error: unknown): Promise<void> {
    const end = endOf(error);
    if (end === undefined || !this.#run.wasTold) return;
    try {
      await recordAtTheEnd(this.#recordOf(end));
    } catch (cause) {
      log.warn('what persons told the run is not in the table runs', { error: cause });
    }
  }

  async #ingest(patience: number | null): Promise<IngestResult> {
    const brought = this.#carried ?? (await this.#bring());
    const { isUnchanged } = brought;
    const landing = {
      run: this.#run,
      person: this.#person,
      topic: this.#run.topic,
      ingestedOn: this.#ingestedOn,
      useHost: (hostId: string) => this.#hosts.add(hostId),
    };
    const rest = await landTopic(landing, brought.rest);
    if (rest !== null) return this.#goOn({ patience, isUnchanged, rest });
    if (isUnchanged && !this.#run.consumedSomething) return this.#end('unchanged');
    return this.#end(this.#run.broughtSomething ? 'landed' : 'nothing-new');
  }

  async #goOn(left: Pick<Carried, 'patience' | 'isUnchanged' | 'rest'>): Promise<never> {
    const carried = { ...left, status: this.#run.status(), startedAt: this.#startedAt };
    return this.#person.attempt({ step: 'land', what: 'the run in a new history' }, () =>
      continueAsNew<typeof ingest>(this.#request, carried),
    );
  }

  async #bring(): Promise<Brought> {
    const ends = await this.#fetchAndPublish();
    const isUnchanged = ends === 'unchanged';
    return { isUnchanged, rest: { publishedEnds: isUnchanged ? {} : ends, until: null } };
  }

  /** @returns Where what was published ends. */
  async #fetchAndPublish(): Promise<PartitionEnds | 'unchanged'> {
    for (;;) {
      try {
        const fetched = await this.#fetchWithinLimit();
        if (fetched.outcome === 'unchanged') return 'unchanged';
        return await this.#publish(fetched);
      } catch (error) {
        // What was fetched is gone; what was published of it stays, and is not published again.
        if (!isHostLost(error)) throw error;
      }
    }
  }

  /** Fetches, and has judged what was fetched where its source has a limit or no record is good; a person can skip that. */
  async #fetchWithinLimit(): Promise<Fetched> {
    let fetched: Fetched | undefined;
    const about = { step: 'fetch', what: `source ${this.#request.source}` } as const;
    return this.#person.attempt(about, async (pastLimit) => {
      if (!pastLimit || fetched === undefined) fetched = await this.#fetch();
      if (!pastLimit) await this.#judge(fetched);
      return fetched;
    });
  }

  async #judge({ outcome, host, chunks, isNothingGood, quarantineLimit }: Fetched): Promise<void> {
    if (outcome !== 'fetched' || (quarantineLimit === undefined && !isNothingGood)) return;
    await onHost(host, quarantineLimitSummary(chunks)).checkQuarantineLimit({
      source: this.#request.source,
      chunks,
    });
  }

  async #fetch(): Promise<Fetched> {
    const { source } = this.#request;
    const fetched = await this.#person.attempt({ step: 'fetch', what: `source ${source}` }, () =>
      anyHost(fetchSummary(this.#request)).fetch(fetchRequestOf(this.#request)),
    );
    const { content, chunks, seconds } = fetched;
    this.#hosts.add(fetched.host);
    this.#run.fetched(fetched.topic, content, chunks.length);
    if (content !== null) {
      const { records, bytes } = content;
      this.#run.count('fetch', { recordsIn: records, recordsOut: records, bytes, seconds });
    }
    return fetched;
  }

  async #publish({ host, topic, chunks }: Fetched): Promise<PartitionEnds> {
    const { source } = this.#request;
    const ends: Record<number, string> = {};
    let left = chunks;
    for (;;) {
      const [chunk, ...after] = left;
      if (chunk === undefined) return ends;
      const asked = { chunk, more: after.slice(0, CHUNKS_A_PUBLISH - 1) };
      const { publish } = onHost(host, publishSummary(asked, chunks.length));
      this.#run.begin('publish');
      const published = await this.#person.attemptOrSkip({ step: 'publish', what: `chunk ${chunk.id}` }, () =>
        publish({ source, topic, ...asked, ingestedOn: this.#ingestedOn }),
      );
      // It may have published fewer than it was asked for.
      const done = published === SKIPPED ? [] : chunksPublished(asked, published);
      for (const [of, counts] of done) this.#published(of, counts);
      if (published !== SKIPPED) addEnds(ends, published.ends);
      left = left.slice(Math.max(done.length, 1));
    }
  }

  #published(chunk: Chunk, published: PublishedChunk): void {
    const { refused, seconds } = published;
    this.#run.count('publish', {
      recordsIn: chunk.records,
      recordsOut: chunk.records - refused,
      quarantined: refused,
      bytes: chunk.bytes,
      seconds,
    });
    this.#run.quarantined(published.reasons);
    this.#run.published();
  }

  async #end(outcome: RunOutcome): Promise<IngestResult> {
    if (outcome === 'landed' || this.#run.wasTold) {
      await this.#person.attempt({ step: 'land', what: 'the run’s row in the table runs' }, () =>
        // With what a person decided about this very step.
        anyHost('the run’s row in the table runs').record(this.#recordOf(outcome)),
      );
    }
    this.#run.end(outcome);
    return this.#run.result(outcome);
  }

  #recordOf(outcome: RunEnd): RecordRequest {
    return {
      request: this.#request,
      result: this.#run.result(outcome),
      startedAt: this.#startedAt,
      finishedAt: new Date().toISOString(),
      ingestedOn: this.#ingestedOn,
    };
  }

  /** Derived from the run's start, so that each try writes to the same partition. */
  get #ingestedOn(): string {
    return this.#startedAt.slice(0, 10);
  }
}

/** The form of the Temporal UI also gives null for what is left out. */
function fetchRequestOf({ source, from, to, again }: IngestRequest): FetchRequest {
  return {
    source,
    ...(typeof from === 'string' ? { from } : {}),
    ...(typeof to === 'string' ? { to } : {}),
    ...(again === true ? { again: workflowInfo().firstExecutionRunId } : {}),
  };
}

/** Removes what the run has on its hosts' disks. A host that is gone is cleaned when its worker starts again. */
async function cleanUpHosts(hosts: ReadonlySet<string>): Promise<void> {
  for (const host of hosts) {
    try {
      await cleanUpHost(host);
    } catch (error) {
      log.warn('a host was not tidied', { host, error });
    }
  }
}
