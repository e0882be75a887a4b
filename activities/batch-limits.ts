import type { WrittenHeader } from '../adapters/message-headers.ts';
import { CHUNK_HEADER, REPLAY_HEADER } from '../model/references.ts';
import type { Settings } from '../model/settings.ts';
import type { Fault } from '../tables/check.ts';
import { Judged, requireWithinLimit } from './quarantine-limit.ts';

/**
 * Holds the messages of a batch against the quarantine limits of their sources: those that others published, since
 * what a run fetched was judged before it was published, and what is replayed a person has chosen.
 */
export class BatchLimits {
  readonly #judged = new Map<string, { readonly limit: number; readonly judged: Judged }>();

  constructor({ sources }: Pick<Settings, 'sources'>) {
    for (const [source, { quarantineLimit: limit }] of Object.entries(sources)) {
      if (limit !== undefined) this.#judged.set(source, { limit, judged: new Judged() });
    }
  }

  /** Takes a message, by its source and headers. */
  take(source: string, headers: string, fault: Fault | undefined): void {
    this.#of(source, headers)?.take('transform', fault);
  }

  /** @throws {PipelineError} QUARANTINE_LIMIT when too large a share of a source's messages is bad. */
  require(): void {
    for (const [source, { limit, judged }] of this.#judged)
      requireWithinLimit(`source ${source}, as others published it`, limit, judged);
  }

  #of(source: string, headers: string): Judged | undefined {
    const found = this.#judged.get(source);
    return found === undefined || isOwn(headers) ? undefined : found.judged;
  }
}

function isOwn(headers: string): boolean {
  return (JSON.parse(headers) as WrittenHeader[]).some(
    ({ key }) => key === CHUNK_HEADER || key === REPLAY_HEADER,
  );
}
