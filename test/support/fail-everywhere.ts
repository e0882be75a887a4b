import assert from 'node:assert/strict';
import type { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import { PipelineError, messageOf } from '../../model/errors.ts';
import type { ProxyFault } from './faults-proxy.ts';
import type { FaultyHdfs } from './faulty-hdfs.ts';
import { copyTable } from './log-copies.ts';

/** The faults, with the number of requests that each applies to. */
const FAULTS: readonly [name: string, fault: ProxyFault, times: number][] = [
  ['killed', { kind: 'reset' }, Infinity],
  ['answer lost', { kind: 'swallow-answer' }, 1],
];

/** A step that is run on copies of a folder. */
export interface FailingStep {
  readonly run: (path: string, hdfs: WebHdfs) => Promise<unknown>;
  /** Called after the fault, and again after the step was repeated without one. */
  readonly check: (path: string, when: string) => Promise<void>;
  /** Called after the step was repeated. */
  readonly checkEnd: (path: string) => Promise<void>;
}

/**
 * Runs a step on copies of a folder of HDFS, with each fault at each of its requests to the NameNode, and then again
 * without.
 * @returns The number of requests.
 */
export async function failEverywhere(
  faulty: FaultyHdfs,
  base: string,
  { run, check, checkEnd }: FailingStep,
): Promise<number> {
  const copy = async (): Promise<string> => {
    const path = faulty.fresh();
    await copyTable(faulty.direct, base, path);
    return path;
  };
  faulty.clear();
  await run(await copy(), faulty.client());
  const requests = faulty.nameNode.seen.length;
  for (const [name, fault, times] of FAULTS)
    for (let spared = 0; spared < requests; spared += 1) {
      const path = await copy();
      faulty.clear();
      faulty.nameNode.plan(/./, fault, times, spared);
      const failure: unknown = await run(path, faulty.client()).then(
        () => undefined,
        (error: unknown) => error,
      );
      faulty.clear();
      const when = `${name} after ${spared} of ${requests} requests`;
      if (failure !== undefined)
        assert.ok(failure instanceof PipelineError, `${when}: ${messageOf(failure)}`);
      await check(path, when);
      await run(path, faulty.direct);
      await check(path, when);
      await checkEnd(path);
    }
  return requests;
}
