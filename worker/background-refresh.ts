import { messageOf } from '../model/errors.ts';
import type { Logger } from '../adapters/log.ts';
import type { GaugeName, Metrics } from './metrics.ts';

/** Runs an update in the background: at most once per interval, and never twice at once. */
export class BackgroundRefresh {
  readonly #update: () => Promise<void>;
  readonly #intervalMs: number;
  #refreshedAt = -Infinity;
  #isRefreshing = false;

  /** @param update Must not reject. */
  constructor(update: () => Promise<void>, intervalMs: number) {
    this.#update = update;
    this.#intervalMs = intervalMs;
  }

  /** Starts an update, unless one is under way or was started within the interval. */
  refresh(): void {
    if (this.#isRefreshing || performance.now() - this.#refreshedAt < this.#intervalMs) return;
    this.#isRefreshing = true;
    this.#refreshedAt = performance.now();
    void this.#update().finally(() => (this.#isRefreshing = false));
  }
}

/** Updates gauges; if that fails, logs the error and clears them, so that no outdated value is exported. */
export async function updateGauges(
  { metrics, logger }: { readonly metrics: Metrics; readonly logger: Logger },
  names: readonly GaugeName[],
  update: () => Promise<void>,
): Promise<void> {
  try {
    await update();
  } catch (error) {
    for (const name of names) metrics.replace(name, []);
    logger.warn({ metrics: names, error: messageOf(error) }, 'could not update metrics');
  }
}
