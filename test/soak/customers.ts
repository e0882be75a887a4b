import { createHash } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { IngestRequest, IngestResult } from '../../model/run.ts';
import type { SentLedger } from './ledger.ts';
import type { PlannedRun } from './plan.ts';
import { RecordStream, recordsOfWindow, windowOf } from './records.ts';
import { feedSeed } from './servers.ts';

/** Seeds of the records of the file and of other producers, distinct from those of the feeds. */
const FILE_SEED = 2_000_000;
const FILE_RECORDS = 40;

/** A content of a customer. */
interface Offer {
  /** SHA-256 of the contents with these records that runs ingested: each counts once. */
  readonly brought: Set<string>;
  /** Number of the feed's changes that had completed when the first run requested it. */
  readonly changesBefore: number;
}

/** The customers: the request of each run, and the records that it must land. */
export class Customers {
  readonly #ledger: SentLedger;
  readonly #seed: number;
  readonly #file: string;
  readonly #versions: RecordStream;
  readonly #offers = new Map<string, Offer>();
  readonly #windows = { feed: 0, second: 0 };
  /** Changes of the feed's content that were requested, and those that have completed. */
  readonly changes = { begun: 0, ended: 0 };

  constructor(ledger: SentLedger, { seed, folder }: { readonly seed: number; readonly folder: string }) {
    this.#ledger = ledger;
    this.#seed = seed;
    this.#file = join(folder, 'attempts.ndjson');
    this.#versions = new RecordStream(FILE_SEED + seed, { lines: true });
  }

  /** Returns the request of a run; its customer has the content from then on. */
  async requestOf({ source, again }: PlannedRun): Promise<IngestRequest> {
    if (source === 'file') {
      if (!again || !this.#hasFile()) await this.#writeFile();
      return { source };
    }
    if (source === 'others') return { source };
    if (!again || this.#windows[source] === 0) this.#windows[source] += 1;
    const window = windowOf(this.#windows[source]);
    const key = keyOf(source, window.from);
    if (!this.#offers.has(key)) this.#offer(key, recordsOfWindow(feedSeed(this.#seed, source), window));
    return { source, ...window };
  }

  /** Records the content that a run ingested. */
  note({ source, interval, content }: IngestResult): void {
    if (content === null) return;
    const key = source === 'file' ? keyOf(source, content.sha256) : keyOf(source, String(interval.from));
    const offer = this.#offers.get(key);
    if (offer === undefined) throw new Error(`a run brought ${key}, which no customer has`);
    offer.brought.add(content.sha256);
  }

  #hasFile(): boolean {
    return [...this.#offers.keys()].some((key) => key.startsWith(keyOf('file', '')));
  }

  async #writeFile(): Promise<void> {
    const records = this.#versions.take(FILE_RECORDS);
    const content = Buffer.concat(records.flatMap(({ bytes }) => [bytes, Buffer.from('\n')]));
    this.#offer(keyOf('file', createHash('sha256').update(content).digest('hex')), records);
    await writeFile(`${this.#file}.new`, content);
    await rename(`${this.#file}.new`, this.#file);
  }

  #offer(key: string, records: Parameters<SentLedger['add']>[0]): void {
    const offer = { brought: new Set<string>(), changesBefore: this.changes.ended };
    this.#offers.set(key, offer);
    const canChange = !key.startsWith('file');
    this.#ledger.add(records, () => ({
      min: offer.brought.size,
      // A run whose host was lost may have published the feed as it was before a change.
      max: canChange ? 1 + this.changes.begun - offer.changesBefore : 1,
    }));
  }
}

function keyOf(source: string, content: string): string {
  return `${source} ${content}`;
}
