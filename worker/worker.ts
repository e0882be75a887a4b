import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { createActivities } from '../activities/index.ts';
import type { Logger } from '../adapters/log.ts';
import { Staging } from '../adapters/staging.ts';
import { asTemporalError, connectTemporal, temporalConnection } from '../adapters/temporal.ts';
import { Warehouse } from '../adapters/warehouse.ts';
import { WebHdfs } from '../adapters/webhdfs.ts';
import type { Settings } from '../model/settings.ts';
import { hostTaskQueue } from '../model/task-queues.ts';
import { ActivityErrors } from './activity-errors.ts';
import { Health } from './health.ts';
import { temporalLogger } from './temporal-logger.ts';
import { cleanStaging } from './clean-staging.ts';

/** A worker that takes work. */
export interface RunningWorker {
  /** Ends when the worker has drained, or cannot go on. */
  readonly ended: Promise<void>;
  /** Lets what runs end, takes nothing new, and then ends the worker. */
  drain(): void;
}

/** What runs when a worker drains has so long to end; then it is cancelled, and another worker goes on. */
const DRAIN_GRACE = '30s';

/** Names the file of the workflows' code where an image was built with it; else it is bundled at the start. */
const BUNDLE_VARIABLE = 'PIPELINE_WORKFLOW_BUNDLE';

/** So many activities run at once on a host; each may hold a batch. */
const ACTIVITIES_AT_ONCE = 8;

/**
 * Starts a worker: it takes workflows and activities of the shared task queue, and those activities of its
 * host's own queue that need what is staged on its disk.
 */
export async function startWorker(settings: Settings, logger: Logger): Promise<RunningWorker> {
  Runtime.install({ logger: temporalLogger(logger), shutdownSignals: [] });
  const health = await Health.listen(settings.worker.healthPort);
  const staging = await Staging.open(settings.worker.staging, settings.worker.stagingBytes);
  const { namespace, taskQueue } = settings.temporal;
  const connection = await connect(settings, staging, logger);
  const activities = createActivities({
    settings,
    staging,
    logger,
    kafka: { ...settings.kafka, logger },
    warehouse: new Warehouse(settings.hdfs.warehouse, {
      hdfs: new WebHdfs({ ...settings.hdfs, logger }),
      logger,
      checkpointInterval: settings.limits.checkpointInterval,
    }),
  });
  const common: WorkerOptions = {
    connection,
    namespace,
    taskQueue,
    activities,
    shutdownGraceTime: DRAIN_GRACE,
    maxConcurrentActivityTaskExecutions: ACTIVITIES_AT_ONCE,
    // So that a killed worker's progress is not lost, and is missed soon.
    maxHeartbeatThrottleInterval: '200ms',
    defaultHeartbeatThrottleInterval: '200ms',
    interceptors: { activity: [() => ({ inbound: new ActivityErrors(logger) })] },
  };
  const workers = await Promise.all([
    Worker.create({
      ...common,
      ...workflowCode(),
      stickyQueueScheduleToStartTimeout: '1s',
    }),
    Worker.create({ ...common, taskQueue: hostTaskQueue(taskQueue, staging.hostId) }),
  ]);
  const ended = Promise.all(workers.map((worker) => worker.run())).then(async () => {
    await connection.close();
    await health.close();
  });
  health.ready();
  logger.info({ taskQueue, host: staging.hostId, health: health.url }, 'the worker takes work');
  return {
    ended,
    drain: () => {
      health.draining();
      for (const worker of workers) worker.shutdown();
    },
  };
}

/** Connects twice: as a client, to tidy up with and to see what is wrong where it fails, and then for the work. */
async function connect({ temporal }: Settings, staging: Staging, logger: Logger): Promise<NativeConnection> {
  const options = temporalConnection(temporal);
  const connection = await connectTemporal(options);
  try {
    await cleanStaging(new Client({ connection, namespace: temporal.namespace }), staging, logger);
    return await NativeConnection.connect(options);
  } catch (error) {
    throw await asTemporalError(error, options);
  } finally {
    await connection.close();
  }
}

/** Where the workflows' code comes from. A bundle is only taken when it is named: one left over could be old. */
function workflowCode(): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> {
  const codePath = process.env[BUNDLE_VARIABLE];
  return codePath === undefined || codePath === ''
    ? { workflowsPath: fileURLToPath(new URL('../workflows/index.ts', import.meta.url)) }
    : { workflowBundle: { codePath } };
}
