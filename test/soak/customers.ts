import { createHash } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { IngestRequest, IngestResult } from '../../model/run.ts';
import type { Ledger } from './ledger.ts';
import type { PlannedRun } from './plan.ts';
import { RecordStream, recordsOfWindow, windowOf } from './records.ts';
import { feedSeed } from './servers.ts';

/** Seeds of the records of a file, and of others, beside those of the feeds. */
const FILE_SEED = 2_000_000;
const FILE_RECORDS = 40;

/** A content that a customer has. */
interface Offer {
  /** The contents of these records that runs have brought, by their SHA-256: each of them is put in once. */
  readonly brought: Set<string>;
  /** How often the feed had changed, for sure, when the first run asked for it. */
  readonly changesBefore: number;
}

/** The customers: what each run asks for, and what is due for it. */
export class Customers {
  readonly #ledger: Ledger;
  readonly #seed: number;
  readonly #file: string;
  readonly #versions: RecordStream;
  readonly #offers = new Map<string, Offer>();
  readonly #windows = { feed: 0, second: 0 };
  /** Changes of the feed's content that were asked for, and those of them that are over. */
  readonly changes = { begun: 0, ended: 0 };

  constructor(ledger: Ledger, { seed, folder }: { readonly seed: number; readonly folder: string }) {
    this.#ledger = ledger;
    this.#seed = seed;
    this.#file = join(folder, 'attempts.ndjson');
    this.#versions = new RecordStream(FILE_SEED + seed, { lines: true });
  }

  /** What to ask a run for; its customer has it then. */
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

  /** Notes what a run that ended has brought. */
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

  #offer(key: string, records: Parameters<Ledger['add']>[0]): void {
    const offer = { brought: new Set<string>(), changesBefore: this.changes.ended };
    this.#offers.set(key, offer);
    const canChange = !key.startsWith('file');
    this.#ledger.add(records, () => ({
      least: offer.brought.size,
      // A run whose host was lost may have published what the feed had before it changed.
      most: canChange ? 1 + this.changes.begun - offer.changesBefore : 1,
    }));
  }
}

function keyOf(source: string, content: string): string {
  return `${source} ${content}`;
}
