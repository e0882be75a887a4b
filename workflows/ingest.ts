import { CancellationScope, isCancellation, log, patched, workflowInfo } from '@temporalio/workflow';
import type { Fetched } from '../activities/fetch.ts';
import { messageOf } from '../model/errors.ts';
import type { PartitionEnds } from '../model/references.ts';
import type { IngestRequest, IngestResult, RunOutcome } from '../model/run.ts';
import { aboutChunk, aboutFetch, aboutJudge } from './about.ts';
import { anyHost, failureOf, isHostLost, onHost, tidyHost } from './hosts.ts';
import { landTopic } from './land-topic.ts';
import { withPatience } from './patience.ts';
import { Person, SKIPPED } from './person.ts';
import { requireRequest } from './request.ts';
import { RunState } from './run-state.ts';
import { isScheduled, patienceOf, withInterval } from './scheduled.ts';

/**
 * One run: fetch, publish, consume, transform and land, in order, for what a source has and its topic holds.
 *
 * Its durable checkpoints are Kafka's offsets and the tables' logs; what is staged on a host's disk can be
 * made again from them. When the retries of a step are used up, the run waits for a person.
 */
export async function ingest(request: IngestRequest): Promise<IngestResult> {
  requireRequest(request);
  const hosts = new Set<string>();
  const run = new Ingest(withInterval(request), hosts);
  try {
    return isScheduled() ? await run.runFor(patienceOf(request)) : await run.run();
  } catch (error) {
    run.fail(error);
    throw error;
  } finally {
    await CancellationScope.nonCancellable(() => tidy(hosts));
  }
}

/** Runs that began before it end at an unchanged content; later ones land what else their topic holds. */
const UNCHANGED_LANDS = 'unchanged-lands';

class Ingest {
  readonly #request: IngestRequest;
  readonly #hosts: Set<string>;
  readonly #run: RunState;
  readonly #person: Person;
  readonly #startedAt = workflowInfo().startTime.toISOString();

  constructor(request: IngestRequest, hosts: Set<string>) {
    this.#request = request;
    this.#hosts = hosts;
    this.#run = new RunState(request);
    this.#person = new Person(this.#run);
  }

  /** Runs, but waits for a person no longer than so many seconds. */
  async runFor(patience: number): Promise<IngestResult> {
    return withPatience(this.#run, patience, () => this.run());
  }

  fail(error: unknown): void {
    if (isCancellation(error)) this.#run.fail('cancelled', 'cancelled');
    else this.#run.fail('failed', failureOf(error)?.message ?? messageOf(error));
  }

  async run(): Promise<IngestResult> {
    const brought = await this.#fetchAndPublish();
    const isUnchanged = brought === 'unchanged';
    if (isUnchanged && !patched(UNCHANGED_LANDS)) return this.#end('unchanged');
    const landing = {
      run: this.#run,
      person: this.#person,
      topic: this.#run.topic,
      ingestedOn: this.#ingestedOn,
      useHost: (hostId: string) => this.#hosts.add(hostId),
    };
    await landTopic(landing, isUnchanged ? {} : brought);
    if (isUnchanged && !this.#run.consumedSomething) return this.#end('unchanged');
    return this.#end(this.#run.broughtSomething ? 'landed' : 'nothing-new');
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

  /** Fetches, and has judged what was fetched where its source has a limit; a person can let it go past that. */
  async #fetchWithinLimit(): Promise<Fetched> {
    let fetched: Fetched | undefined;
    const about = { step: 'fetch', what: `source ${this.#request.source}` } as const;
    return this.#person.attempt(about, async (pastLimit) => {
      if (!pastLimit || fetched === undefined) fetched = await this.#fetch();
      if (!pastLimit) await this.#judge(fetched);
      return fetched;
    });
  }

  async #judge({ outcome, host, chunks, quarantineLimit }: Fetched): Promise<void> {
    if (outcome !== 'fetched' || quarantineLimit === undefined) return;
    await onHost(host, aboutJudge(chunks)).judge({ source: this.#request.source, chunks });
  }

  async #fetch(): Promise<Fetched> {
    const { source } = this.#request;
    const fetched = await this.#person.attempt({ step: 'fetch', what: `source ${source}` }, () =>
      anyHost(aboutFetch(this.#request)).fetch(this.#request),
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
    const ends: Record<number, string> = {};
    for (const chunk of chunks) {
      this.#run.begin('publish');
      const published = await this.#person.attemptOrSkip({ step: 'publish', what: `chunk ${chunk.id}` }, () =>
        onHost(host, aboutChunk(chunk, chunks.length)).publish({
          source: this.#request.source,
          topic,
          chunk,
          ingestedOn: this.#ingestedOn,
        }),
      );
      if (published === SKIPPED) continue;
      const { refused, seconds } = published;
      const recordsOut = chunk.records - refused;
      this.#run.count('publish', {
        recordsIn: chunk.records,
        recordsOut,
        quarantined: refused,
        bytes: chunk.bytes,
        seconds,
      });
      this.#run.quarantined(published.reasons);
      this.#run.published();
      for (const [partition, end] of Object.entries(published.ends))
        ends[Number(partition)] = later(ends[Number(partition)], end);
    }
    return ends;
  }

  async #end(outcome: RunOutcome): Promise<IngestResult> {
    const result = this.#run.result(outcome);
    if (outcome === 'landed') {
      await this.#person.attempt({ step: 'land', what: 'the run’s row in the table runs' }, () =>
        anyHost('the run’s row in the table runs').record({
          request: this.#request,
          result,
          startedAt: this.#startedAt,
          finishedAt: new Date().toISOString(),
          ingestedOn: this.#ingestedOn,
        }),
      );
    }
    this.#run.end(outcome);
    return result;
  }

  /** Derived from the run's start, so that each try writes to the same partition. */
  get #ingestedOn(): string {
    return this.#startedAt.slice(0, 10);
  }
}

function later(one: string | undefined, other: string): string {
  return one !== undefined && BigInt(one) > BigInt(other) ? one : other;
}

/** Removes what the run has on its hosts' disks. A host that is gone is cleaned when its worker starts again. */
async function tidy(hosts: ReadonlySet<string>): Promise<void> {
  for (const host of hosts) {
    try {
      await tidyHost(host);
    } catch (error) {
      log.warn('a host was not tidied', { host, error });
    }
  }
}
