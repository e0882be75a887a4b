import type { Settings } from '../../model/settings.ts';
import { sourceOf } from '../../model/settings.ts';
import { withTemporal } from '../cli/temporal.ts';
import { listRuns, type RunFilterState, type RunRow } from '../runs/runs.ts';

/** A run that has not ended, whose worker can have copies of persons on its disk. */
export type OpenRun = Pick<RunRow, 'run' | 'source' | 'state' | 'started'>;

/** The maximum number of runs of each state that are listed. */
const MAX_LISTED = 100;

const OPEN_STATES: readonly RunFilterState[] = ['waiting', 'running'];

/**
 * Lists the runs that have not ended of the sources that share the topic of a source: their staged files can hold its
 * persons.
 * @throws {PipelineError} TEMPORAL_UNREACHABLE, TEMPORAL_REFUSED
 */
export async function listOpenRuns(settings: Settings, source: string): Promise<OpenRun[]> {
  const { topic } = sourceOf(settings, source);
  const sharing = Object.keys(settings.sources).filter((name) => sourceOf(settings, name).topic === topic);
  return withTemporal(settings, async (client) => {
    const runs: OpenRun[] = [];
    for (const name of sharing)
      for (const state of OPEN_STATES)
        for (const { run, state: found, started } of await listRuns(client, settings, {
          source: name,
          state,
          limit: MAX_LISTED,
        }))
          runs.push({ run, source: name, state: found, started });
    return runs;
  });
}

/** Formats open runs for people, with what to do. */
export function formatOpenRuns(runs: readonly OpenRun[]): string[] {
  return runs.map(({ run, state, started }) =>
    state === 'waiting'
      ? `run ${run}, of ${started}, waits for a decision: files that it staged on its worker can hold the persons until ` +
        `it ends: pipeline retry, skip or abort ${run}`
      : `run ${run}, of ${started}, has not ended: files that it staged on its worker can hold the persons until it ends`,
  );
}
