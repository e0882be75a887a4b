import assert from 'node:assert/strict';
import type { WebHdfs } from '../../adapters/hdfs/webhdfs.ts';
import { PipelineError, messageOf } from '../../model/errors.ts';
import type { ProxyFault } from './faults-proxy.ts';
import type { FaultyHdfs } from './faulty-hdfs.ts';
import { readFolder, writeFolder } from './log-copies.ts';

interface Failure {
  readonly name: string;
  readonly fault: ProxyFault;
  /** The number of requests that it applies to. */
  readonly times: number;
  /** Matches the requests that it can begin at. */
  readonly matches: RegExp;
}

const FAILURES: readonly Failure[] = [
  { name: 'killed', fault: { kind: 'reset' }, times: Infinity, matches: /./ },
  // A request that only reads and is repeated is as good as one whose answer arrived.
  { name: 'answer lost', fault: { kind: 'swallow-answer' }, times: 1, matches: /^(?:PUT|POST|DELETE) / },
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
 * Runs a step on copies of a folder of HDFS, killed at each of its requests to the NameNode, and with the answer lost of
 * each that changes something; and then again without a fault.
 * @returns The number of requests.
 */
export async function failEverywhere(
  faulty: FaultyHdfs,
  base: string,
  { run, check, checkEnd }: FailingStep,
): Promise<number> {
  const files = await readFolder(faulty.direct, base);
  const copy = async (): Promise<string> => {
    const path = faulty.fresh();
    await writeFolder(faulty.direct, path, files);
    return path;
  };
  faulty.clear();
  await run(await copy(), faulty.client());
  const seen = [...faulty.nameNode.seen];
  for (const { name, fault, times, matches } of FAILURES) {
    const requests = seen.filter((line) => matches.test(line)).length;
    for (let spared = 0; spared < requests; spared += 1) {
      const path = await copy();
      faulty.clear();
      faulty.nameNode.plan(matches, fault, times, spared);
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
  }
  return seen.length;
}
