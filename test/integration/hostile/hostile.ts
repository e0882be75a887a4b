import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { WorkflowHandleWithStartDetails } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { hostTaskQueue } from '../../../model/task-queues.ts';
import type { TestPipeline } from '../../support/harness.ts';
import type { ActivityOutcome, hostile } from './workflow.ts';

/** A foreign worker in the Temporal namespace, which schedules the activities of a pipeline's worker. */
export class Hostile {
  /** The staging folder of the pipeline's worker. */
  readonly staging: string;
  readonly #run: WorkflowHandleWithStartDetails<typeof hostile>;
  readonly #queues: { readonly any: string; readonly host: string };
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  readonly #connection: NativeConnection;

  private constructor(
    staging: string,
    queues: { any: string; host: string },
    run: WorkflowHandleWithStartDetails<typeof hostile>,
    { worker, connection }: { worker: Worker; connection: NativeConnection },
  ) {
    this.staging = staging;
    this.#queues = queues;
    this.#run = run;
    this.#worker = worker;
    this.#connection = connection;
    this.#ended = worker.run();
  }

  /** @param host The worker of the pipeline, which has been started. */
  static async start(pipeline: TestPipeline, host = 'one'): Promise<Hostile> {
    const { address, namespace, taskQueue } = pipeline.settings.temporal;
    const staging = join(pipeline.folder, `staging-${host}`);
    const hostId = await readFile(join(staging, 'host-id'), 'utf8');
    const connection = await NativeConnection.connect({ address });
    const own = `${taskQueue}-hostile`;
    const workflowsPath = fileURLToPath(new URL('workflow.ts', import.meta.url));
    const worker = await Worker.create({ connection, namespace, taskQueue: own, workflowsPath });
    const run = await pipeline.client.workflow.start<typeof hostile>('hostile', {
      taskQueue: own,
      workflowId: `${own}-${performance.now()}`,
    });
    const queues = { any: taskQueue, host: hostTaskQueue(taskQueue, hostId) };
    return new Hostile(staging, queues, run, { worker, connection });
  }

  /** The folder of its run in the staging folder. */
  get folder(): string {
    const { workflowId, firstExecutionRunId } = this.#run;
    return join(this.staging, 'runs', `${encodeURIComponent(workflowId)}@${firstExecutionRunId}`);
  }

  /** Schedules an activity and answers what came of it. */
  async call(activity: string, ...input: unknown[]): Promise<ActivityOutcome> {
    const isHosts = ['checkQuarantineLimit', 'publish', 'transform', 'land', 'cleanUp'].includes(activity);
    const taskQueue = isHosts ? this.#queues.host : this.#queues.any;
    return this.#run.executeUpdate<ActivityOutcome, [unknown]>('call', {
      args: [{ activity, taskQueue, input }],
    });
  }

  async close(): Promise<void> {
    await this.#run.signal('end');
    await this.#run.result();
    this.#worker.shutdown();
    await this.#ended;
    await this.#connection.close();
  }
}
