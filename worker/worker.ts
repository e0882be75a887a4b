import type { Context } from '@temporalio/activity';
import { Client } from '@temporalio/client';
import {
  NativeConnection,
  Runtime,
  Worker,
  type ActivityInterceptorsFactory,
  type TelemetryOptions,
  type WorkerOptions,
} from '@temporalio/worker';
import { createActivities } from '../activities/index.ts';
import type { KafkaWithMarkers } from '../adapters/kafka/client.ts';
import type { Logger } from '../adapters/log.ts';
import { Staging } from '../adapters/staging/staging.ts';
import { asTemporalError, connectTemporal, temporalConnection } from '../adapters/temporal.ts';
import { startTracing, type TraceExport } from '../adapters/tracing/tracing.ts';
import type { Warehouse } from '../adapters/delta/warehouse.ts';
import { parseDuration } from '../model/duration.ts';
import type { Settings } from '../model/settings.ts';
import { hostTaskQueue } from '../model/task-queues.ts';
import { warehouseOf } from '../steps/warehouse-of.ts';
import { ActivityErrors } from './activity-errors.ts';
import { countedActivities } from './count-steps.ts';
import { Health } from './health.ts';
import { InputGuard } from './input-guard.ts';
import { Metrics } from './metrics.ts';
import { LagMetrics } from './lag-metrics.ts';
import { temporalLogger } from './temporal-logger.ts';
import { cleanStaging, StagingSweeper } from './clean-staging.ts';
import { openRunIds } from '../adapters/open-runs.ts';
import { runSinks } from './run-sinks.ts';
import { tracedActivities } from './traced-activities.ts';
import { UpkeepMetrics } from './upkeep-metrics.ts';
import { namesSource, watchInto } from './watch.ts';
import { workflowCode } from './workflow-code.ts';

/** A started worker. */
export interface RunningWorker {
  /** Resolves when the worker has drained; rejects when it fails. */
  readonly ended: Promise<void>;
  /** Stops polling for tasks, lets running ones finish, and then ends the worker. */
  drain(): void;
}

/** When a worker drains, activities still running after this time are cancelled, and another worker retries them. */
const DRAIN_GRACE = '30s';

/** The number of concurrent activities per task queue; each may hold a batch in memory. */
const MAX_CONCURRENT_ACTIVITIES = 8;

/** The services that the Temporal workers and the gauges of a process share. */
interface Services {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly connection: NativeConnection;
  readonly client: Client;
  readonly metrics: Metrics;
  readonly staging: Staging;
  readonly kafka: KafkaWithMarkers;
  readonly warehouse: Warehouse;
  readonly tracing: TraceExport | undefined;
}

/**
 * Starts a worker for the workflows and activities of the shared task queue, and for the activities of its host's own
 * task queue, which need the files staged on its disk.
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
  const services = await openServices(settings, logger, metrics);
  const { connection, client, staging, tracing } = services;
  const { taskQueue } = settings.temporal;
  const workers = await createWorkers(services);
  const ended = Promise.all(workers.map((worker) => worker.run())).then(async () => {
    await connection.close();
    await tracing?.stop();
    await health.close();
  });
  const sweepMs = (parseDuration(settings.worker.sweepInterval) ?? 0) * 1000;
  const sweeper = new StagingSweeper(() => cleanStaging(client, staging, logger), sweepMs, logger);
  const lagMetrics = new LagMetrics(services);
  const upkeepMetrics = new UpkeepMetrics(services);
  health.ready(() => {
    lagMetrics.refresh();
    upkeepMetrics.refresh();
  });
  logger.info({ taskQueue, host: staging.hostId, health: health.url }, 'the worker accepts tasks');
  return {
    ended,
    drain: () => {
      health.draining();
      sweeper.stop();
      for (const worker of workers) worker.shutdown();
    },
  };
}

async function openServices(settings: Settings, logger: Logger, metrics: Metrics): Promise<Services> {
  const staging = await Staging.open(settings.worker.staging, settings.worker.stagingBytes);
  const connection = await connect(settings, staging, logger);
  const kafka = { ...settings.kafka, logger };
  const warehouse = warehouseOf(settings, logger);
  const client = new Client({ connection, namespace: settings.temporal.namespace });
  const tracing = await startTracing('assessment-pipeline-worker');
  return { settings, logger, connection, client, metrics, staging, kafka, warehouse, tracing };
}

/** Creates the worker of the shared task queue and that of the host's own. */
async function createWorkers(services: Services): Promise<Worker[]> {
  const { settings, connection, client, metrics, staging, tracing } = services;
  const { namespace, taskQueue } = settings.temporal;
  const common: WorkerOptions = {
    connection,
    namespace,
    taskQueue,
    activities: countedActivities(
      createActivities({ ...services, openRunIds: () => openRunIds(client) }),
      settings,
      metrics,
      watchInto(metrics, settings, services.logger),
    ),
    shutdownGraceTime: DRAIN_GRACE,
    maxConcurrentActivityTaskExecutions: MAX_CONCURRENT_ACTIVITIES,
    // Frequent heartbeats: little progress is lost when a worker is killed, and its loss is noticed soon.
    maxHeartbeatThrottleInterval: '200ms',
    defaultHeartbeatThrottleInterval: '200ms',
    interceptors: { activity: activityInterceptors(settings, tracing) },
    sinks: runSinks(settings, metrics, tracing?.runs),
  };
  return Promise.all([
    Worker.create({
      ...common,
      workflowBundle: await workflowCode(),
      stickyQueueScheduleToStartTimeout: '1s',
    }),
    Worker.create({ ...common, taskQueue: hostTaskQueue(taskQueue, staging.hostId) }),
  ]);
}

function activityInterceptors(
  settings: Settings,
  tracing: TraceExport | undefined,
): ActivityInterceptorsFactory[] {
  const guard = new InputGuard(settings);
  return [
    ...(tracing === undefined ? [] : [() => ({ inbound: tracedActivities(tracing.runs) })]),
    (context: Context) => ({ inbound: new ActivityErrors(), outbound: namesSource(context) }),
    () => ({ inbound: guard }),
  ];
}

/** Connects first as a client, to clean up the staging folder and to diagnose failures, and then for the worker. */
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

/** Returns options that export the Temporal SDK's own metrics, if a port is set. */
function temporalMetrics(host: string, port: number | undefined): TelemetryOptions {
  return port === undefined ? {} : { metrics: { prometheus: { bindAddress: `${host}:${port}` } } };
}
