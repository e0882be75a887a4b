import type { Context } from '@temporalio/activity';
import { Client } from '@temporalio/client';
import {
  NativeConnection,
  Runtime,
  Worker,
  type TelemetryOptions,
  type WorkerOptions,
} from '@temporalio/worker';
import { createActivities } from '../activities/index.ts';
import type { Logger } from '../adapters/log.ts';
import { Staging } from '../adapters/staging/staging.ts';
import { asTemporalError, connectTemporal, temporalConnection } from '../adapters/temporal.ts';
import { startTracing } from '../adapters/tracing/tracing.ts';
import { Warehouse } from '../adapters/delta/warehouse.ts';
import { WebHdfs } from '../adapters/hdfs/webhdfs.ts';
import { parseDuration } from '../model/duration.ts';
import type { Settings } from '../model/settings.ts';
import { hostTaskQueue } from '../model/task-queues.ts';
import { ActivityErrors } from './activity-errors.ts';
import { countedActivities } from './count-steps.ts';
import { Health } from './health.ts';
import { InputGuard } from './input-guard.ts';
import { Metrics } from './metrics.ts';
import { LagMetrics } from './lag-metrics.ts';
import { temporalLogger } from './temporal-logger.ts';
import { cleanStaging, StagingSweeper } from './clean-staging.ts';
import { runSinks } from './run-sinks.ts';
import { tracedActivities } from './traced-activities.ts';
import { namesSource, watchInto } from './watch.ts';
import { workflowCode } from './workflow-code.ts';

/** A worker that takes work. */
export interface RunningWorker {
  /** Ends when the worker has drained, or cannot go on. */
  readonly ended: Promise<void>;
  /** Lets what runs end, takes nothing new, and then ends the worker. */
  drain(): void;
}

/** What runs when a worker drains has so long to end; then it is cancelled, and another worker goes on. */
const DRAIN_GRACE = '30s';

/** So many activities run at once on a host; each may hold a batch. */
const ACTIVITIES_AT_ONCE = 8;

/**
 * Starts a worker: it takes workflows and activities of the shared task queue, and those activities of its
 * host's own queue that need what is staged on its disk.
 */
export async function startWorker(settings: Settings, logger: Logger): Promise<RunningWorker> {
  const { healthHost: host, healthPort: port, healthNames: names, temporalMetricsPort } = settings.worker;
  Runtime.install({
    logger: temporalLogger(logger),
    shutdownSignals: [],
    telemetryOptions: temporalMetrics(host, temporalMetricsPort),
  });
  const metrics = new Metrics();
  const health = await Health.listen({ host, port, metrics, names });
  const staging = await Staging.open(settings.worker.staging, settings.worker.stagingBytes);
  const { namespace, taskQueue } = settings.temporal;
  const connection = await connect(settings, staging, logger);
  const kafka = { ...settings.kafka, logger };
  const warehouse = new Warehouse(settings.hdfs.warehouse, {
    hdfs: new WebHdfs({ ...settings.hdfs, logger }),
    logger,
    checkpointInterval: settings.limits.checkpointInterval,
  });
  const activities = countedActivities(
    createActivities({ settings, staging, logger, kafka, warehouse }),
    settings,
    metrics,
    watchInto(metrics, settings, logger),
  );
  const tracing = await startTracing('assessment-pipeline-worker');
  const guard = new InputGuard(settings);
  const interceptors = {
    activity: [
      ...(tracing === undefined ? [] : [() => ({ inbound: tracedActivities(tracing.runs) })]),
      (context: Context) => ({ inbound: new ActivityErrors(), outbound: namesSource(context) }),
      () => ({ inbound: guard }),
    ],
  };
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
    interceptors,
    sinks: runSinks(settings, metrics, tracing?.runs),
  };
  const workers = await Promise.all([
    Worker.create({
      ...common,
      workflowBundle: await workflowCode(),
      stickyQueueScheduleToStartTimeout: '1s',
    }),
    Worker.create({ ...common, taskQueue: hostTaskQueue(taskQueue, staging.hostId) }),
  ]);
  const ended = Promise.all(workers.map((worker) => worker.run())).then(async () => {
    await connection.close();
    await tracing?.stop();
    await health.close();
  });
  const client = new Client({ connection, namespace });
  const sweepMs = (parseDuration(settings.worker.sweepInterval) ?? 0) * 1000;
  const sweeper = new StagingSweeper(() => cleanStaging(client, staging, logger), sweepMs, logger);
  const standing = new LagMetrics({ settings, kafka, warehouse, client, metrics, logger });
  health.ready(() => {
    standing.refresh();
  });
  logger.info({ taskQueue, host: staging.hostId, health: health.url }, 'the worker takes work');
  return {
    ended,
    drain: () => {
      health.draining();
      sweeper.stop();
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

/** Has the SDK of Temporal tell how it does, at an address of its own, if that is asked for. */
function temporalMetrics(host: string, port: number | undefined): TelemetryOptions {
  return port === undefined ? {} : { metrics: { prometheus: { bindAddress: `${host}:${port}` } } };
}
