import { readFileSync } from 'node:fs';
import type { TestWorker } from './harness.ts';

/** A metric with its labels, such as `name{step="fetch"}`, and its value. */
export type Scraped = ReadonlyMap<string, number>;

/** Scrapes a worker's /metrics. */
export async function scrape(worker: TestWorker): Promise<Scraped> {
  const answer = await fetch(healthUrlOf(worker).replace('/healthz', '/metrics'));
  if (answer.status !== 200) throw new Error(`/metrics answered ${answer.status}`);
  const lines = (await answer.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))] as const;
    }),
  );
}

/** Returns the non-zero values of one metric, by labels. */
export function metricValues(metrics: Scraped, name: string): Record<string, number> {
  const found = [...metrics].filter(([key, value]) => key.startsWith(`${name}{`) && value !== 0);
  return Object.fromEntries(found.map(([key, value]) => [key.slice(name.length), value]));
}

/** Returns the lines that a worker logged. */
export function readLogLines(worker: TestWorker): Record<string, unknown>[] {
  return readFileSync(worker.log, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function healthUrlOf(worker: TestWorker): string {
  const started = readLogLines(worker).find(({ msg }) => msg === 'the worker accepts tasks');
  return String(started?.['health']);
}
