import assert from 'node:assert/strict';
import type { WorkflowHandle } from '@temporalio/client';
import type { Waiting } from '../../model/run.ts';
import { STEP } from '../../model/search-attributes.ts';
import { startPlatform, type Platform } from '../../simulator/server.ts';
import { generateAttempts } from '../../simulator/generator.ts';
import type { FeedAttempt } from '../../simulator/attempt.ts';
import type { ingest } from '../../workflows/index.ts';
import { FaultyHdfs } from '../support/faulty-hdfs.ts';
import type { FaultsProxy } from '../support/faults-proxy.ts';
import { TestPipeline, eventually, queryStatus, type IngestHandle } from '../support/harness.ts';
import { requireExactly } from './content.ts';

const SEED = 11;
/** Three batches of it: one can have landed while another is in work and more is to come. */
const COUNT = 300;
const BATCH_MESSAGES = 120;

/** How a {@link FaultyPipeline} differs. */
export interface FaultyOptions {
  /** Parts of its pipeline.yaml. */
  readonly more?: Readonly<Record<string, object>>;
  /** Parts of its workers' pipeline.yaml besides. */
  readonly ofWorkers?: Readonly<Record<string, object>>;
  /** The NameNode behind the proxies, unless it is the one that tests share. */
  readonly nameNode?: string;
  /** How many attempts the customer has. */
  readonly count?: number;
}

/** A pipeline whose workers reach HDFS through proxies that inject faults, and a simulated customer. */
export class FaultyPipeline {
  readonly pipeline: TestPipeline;
  readonly nameNode: FaultsProxy;
  readonly dataNode: FaultsProxy;
  readonly platform: Platform;
  /** The customer's attempts. */
  readonly expected: readonly FeedAttempt[];
  readonly #hdfs: FaultyHdfs;

  private constructor(pipeline: TestPipeline, hdfs: FaultyHdfs, platform: Platform, count: number) {
    this.pipeline = pipeline;
    this.platform = platform;
    this.nameNode = hdfs.nameNode;
    this.dataNode = hdfs.dataNode;
    this.expected = [...generateAttempts({ seed: SEED, count })];
    this.#hdfs = hdfs;
  }

  static async create(options: FaultyOptions = {}): Promise<FaultyPipeline> {
    const { more = {}, ofWorkers = {}, nameNode, count = COUNT } = options;
    const platform = await startPlatform({ seed: SEED, count });
    const hdfs = await FaultyHdfs.start('faults', nameNode);
    const pipeline = await TestPipeline.create(
      { source: { url: `${platform.url}/attempts` } },
      { limits: { batchMessages: BATCH_MESSAGES }, ...more },
      { hdfs: { nameNodes: [hdfs.nameNode.address] }, ...ofWorkers },
    );
    return new FaultyPipeline(pipeline, hdfs, platform, count);
  }

  /** Removes a path of HDFS, as another client would. */
  async remove(path: string): Promise<void> {
    await this.#hdfs.direct.delete(path);
  }

  /** Writes content to a path of HDFS, as another client would. */
  async place(path: string, content: string): Promise<void> {
    await this.#hdfs.direct.create(path, Buffer.from(content));
  }

  /** Puts other bytes in a file's place, as many as it has. */
  async falsify(path: string): Promise<void> {
    const status = await this.#hdfs.direct.status(path);
    await this.#hdfs.direct.delete(path);
    await this.#hdfs.direct.create(path, Buffer.alloc(status?.length ?? 0, 'x'));
  }

  /** Makes sure that a run ends by itself, and that then every attempt of the customer landed once, and nothing else. */
  async landsOnce(run: IngestHandle): Promise<void> {
    await eventually('the run ends', () => hasEnded(run), 300_000);
    const { outcome } = await run.result();
    assert.equal(outcome, 'landed');
    await requireExactly(this.pipeline, this.expected);
  }

  /** Waits until a run waits for a decision; returns its cause. */
  async waiting(run: IngestHandle): Promise<Waiting> {
    await eventually('the run waits', async () => (await queryStatus(run)).state === 'waiting', 120_000);
    const { waiting } = await queryStatus(run);
    assert(waiting !== null);
    return waiting;
  }

  async close(): Promise<void> {
    await this.pipeline.close();
    await this.#hdfs.stop();
    await this.platform.close();
  }
}

/** Whether a run has ended; fails when it waits for a person, as it would for ever. */
export async function hasEnded(run: WorkflowHandle<typeof ingest>): Promise<boolean> {
  const { status, typedSearchAttributes } = await run.describe();
  if (typedSearchAttributes.get(STEP) === 'waiting')
    assert.fail(`the run waits: ${JSON.stringify((await queryStatus(run)).waiting)}`);
  return status.name !== 'RUNNING';
}

/** Returns the last failure of each step that is being retried: a line with the step, the code and the message. */
export async function lastFailureOf(run: IngestHandle): Promise<string> {
  const { raw } = await run.describe();
  const failures = (raw.pendingActivities ?? []).flatMap(({ activityType, lastFailure }) =>
    lastFailure === null || lastFailure === undefined
      ? []
      : [
          `${activityType?.name ?? ''} ${lastFailure.applicationFailureInfo?.type ?? ''}: ${lastFailure.message ?? ''}`,
        ],
  );
  return failures.join('\n');
}
