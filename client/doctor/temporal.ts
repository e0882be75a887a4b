import { isGrpcServiceError, type Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { SEARCH_ATTRIBUTES } from '../../model/search-attributes.ts';
import type { Settings } from '../../model/settings.ts';
import { withTemporal } from '../cli/temporal.ts';
import { failed, ok, warning, type DoctorFinding } from './check.ts';

const UI_TIMEOUT_MS = 5_000;

const NAMES = Object.keys(SEARCH_ATTRIBUTES);

/** Checks that Temporal is reachable, that the namespace and the search attributes exist, and that a worker polls. */
export async function checkTemporal(settings: Settings): Promise<DoctorFinding[]> {
  return withTemporal(settings, async (client) => {
    const { namespace, taskQueue } = settings.temporal;
    const { serverVersion } = await client.workflowService.getSystemInfo({});
    const reached = ok('temporal', `reached at ${settings.temporal.address}; version ${serverVersion}`);
    try {
      await client.workflowService.describeNamespace({ namespace });
    } catch (error) {
      return [reached, namespaceFinding(namespace, error)];
    }
    return [
      reached,
      ok('temporal namespace', `${namespace} exists`),
      await attributesFinding(client, namespace),
      await workerFinding(client, namespace, taskQueue),
    ];
  });
}

function namespaceFinding(namespace: string, error: unknown): DoctorFinding {
  const says = `namespace ${namespace}: ${isGrpcServiceError(error) ? error.details : messageOf(error)}`;
  return failed('temporal namespace', new PipelineError('TEMPORAL_REFUSED', says, { cause: error }));
}

async function attributesFinding(client: Client, namespace: string): Promise<DoctorFinding> {
  const subject = 'temporal search attributes';
  const request = client.connection.operatorService.listSearchAttributes({ namespace });
  const answer = await request.catch((error: unknown) => messageOf(error));
  if (typeof answer === 'string')
    return warning(subject, `cannot be listed: ${answer}`, `These must exist: ${NAMES.join(', ')}.`);
  const { customAttributes } = answer;
  const missing = Object.entries(SEARCH_ATTRIBUTES).filter(
    ([name]) => !Object.hasOwn(customAttributes, name),
  );
  if (missing.length === 0) return ok(subject, 'all exist');
  const options = missing.map(([name, type]) => `--name ${name} --type ${type}`).join(' ');
  return {
    state: 'failed',
    subject,
    says: `are missing, so no run can start: ${missing.map(([name]) => name).join(', ')}`,
    advice: `Add them: temporal operator search-attribute create --namespace ${namespace} ${options}`,
  };
}

async function workerFinding(client: Client, namespace: string, taskQueue: string): Promise<DoctorFinding> {
  const subject = 'worker';
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: proto.temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
  });
  const count = pollers.length;
  if (count > 0) return ok(subject, `${count} ${count === 1 ? 'polls' : 'poll'} the task queue ${taskQueue}`);
  return warning(
    subject,
    `none polls the task queue ${taskQueue}: a run would wait`,
    'Start one with: npm run worker',
  );
}

/** Checks that the Temporal UI is reachable, for the links that the command line prints. */
export async function checkUi({ temporal: { uiUrl } }: Settings): Promise<DoctorFinding[]> {
  try {
    const answer = await fetch(uiUrl, { signal: AbortSignal.timeout(UI_TIMEOUT_MS) });
    if (answer.ok) return [ok('temporal ui', `reached at ${uiUrl}`)];
    return [uiFinding(`${uiUrl} returns HTTP ${answer.status}`)];
  } catch (error) {
    return [
      uiFinding(
        `${uiUrl} cannot be reached: ${messageOf(error instanceof Error ? (error.cause ?? error) : error)}`,
      ),
    ];
  }
}

function uiFinding(says: string): DoctorFinding {
  return warning('temporal ui', says, 'Correct temporal.uiUrl; only printed links depend on it.');
}
