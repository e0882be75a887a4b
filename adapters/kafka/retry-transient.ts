import { setTimeout as sleep } from 'node:timers/promises';
import { isTransient } from './errors.ts';
import type { Cluster } from './wire/internals.ts';

/** Longer outages are left to the activity's retry policy. */
const MAX_ATTEMPTS = 5;
const INITIAL_DELAY_MS = 50;

/**
 * Retries a request to partition leaders after transient errors, such as another or a new leader, with new metadata.
 * @param isCancelled Whether not to retry any more.
 */
export async function retryTransient<T>(
  cluster: Cluster,
  send: () => Promise<T>,
  isCancelled: () => boolean = () => false,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      if (attempt > 1) await cluster.refreshMetadata();
      return await send();
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !isTransient(error)) throw error;
      await sleep(INITIAL_DELAY_MS * 2 ** attempt);
      if (isCancelled()) throw error;
    }
  }
}
