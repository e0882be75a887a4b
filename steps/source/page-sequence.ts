import { createHash } from 'node:crypto';
import { PipelineError } from '../../model/errors.ts';
import type { PagingSettings } from '../../model/settings-feed.ts';
import { firstPosition, isByPlace, nextPosition, totalOf, type PageEnd, type Position } from './paging.ts';

/** A page that was read, apart from what {@link PageSequence} knows itself. */
export interface ReadPage extends Omit<PageEnd, 'position' | 'allRecords'> {
  /** SHA-256 of its records, in hexadecimal digits. */
  readonly sha256: string;
  /** The size of the decoded page in bytes. */
  readonly bytes: number;
  /** Whether any of its records is valid. */
  readonly hasGood: boolean;
}

/** The facts of a page that the pages after it depend on. */
export interface PageFacts {
  /** SHA-256 of its records, in hexadecimal digits. */
  readonly sha256: string;
  readonly records: number;
  readonly bytes: number;
  readonly hasGood: boolean;
  /** The number of records on all pages, as this page says it; null if it does not. */
  readonly total: number | null;
  /** The position of the page after it; null after the last. */
  readonly next: Position | null;
}

/** The pages of one content: which is next, and whether each fits those before it. */
export class PageSequence {
  pages = 0;
  records = 0;
  bytes = 0;
  hasGood = false;
  /** The position of the next page; null after the last. */
  next: Position | null;
  /** The pages' hashes, one in the other. */
  #sha256 = sha256('');
  #total: number | null = null;
  readonly #subject: string;
  readonly #paging: PagingSettings;
  /** The first page with each position, and with each hash. */
  readonly #seen = new Map<string, number>();

  /** @param subject Names the source in errors. */
  constructor(subject: string, paging: PagingSettings) {
    this.#subject = subject;
    this.#paging = paging;
    this.next = firstPosition(paging);
    this.#seen.set(keyOf(this.next), 1);
  }

  /** SHA-256 of the content: of the hashes of all pages that have records, one in the other. */
  get sha256(): string {
    return this.#sha256;
  }

  /** Names the next page in errors. */
  get nextSubject(): string {
    return `${this.#subject}, page ${this.pages + 1}`;
  }

  /** Adds a page that was checked before. */
  add(page: PageFacts): void {
    this.pages += 1;
    this.records += page.records;
    this.bytes += page.bytes;
    this.hasGood ||= page.hasGood;
    this.#total = page.total;
    this.next = page.next;
    if (page.records > 0) {
      this.#sha256 = sha256(this.#sha256 + page.sha256);
      this.#seen.set(page.sha256, this.pages);
    }
    if (page.next !== null) this.#seen.set(keyOf(page.next), this.pages + 1);
  }

  /**
   * Checks the next page, without adding it.
   * @throws {PipelineError} SOURCE_PAGED for a page that came before, a position that was requested before, more pages
   * than the source may have, or a page that does not say which is next; SOURCE_CHANGED if the list changed; SOURCE_REFUSED
   */
  check(page: ReadPage): PageFacts {
    const subject = this.nextSubject;
    const { sha256: hash, records, bytes, hasGood } = page;
    const earlier = records > 0 ? this.#seen.get(hash) : undefined;
    if (earlier !== undefined)
      throw paged(
        subject,
        `has the same records as page ${earlier}; perhaps the server ignores what the request says of the page`,
      );
    const end = {
      ...page,
      position: this.next ?? firstPosition(this.#paging),
      allRecords: this.records + records,
    };
    const total = totalOf(subject, this.#paging, end) ?? null;
    this.#requireSameTotal(subject, total);
    const next = nextPosition(subject, this.#paging, end);
    if (next === null) requireAll(subject, total ?? this.#total, end.allRecords);
    else this.#requireNew(subject, next);
    return { sha256: hash, records, bytes, hasGood, total, next };
  }

  #requireNew(subject: string, next: Position): void {
    const earlier = this.#seen.get(keyOf(next));
    if (earlier !== undefined)
      throw paged(subject, `refers to page ${earlier} as the next one, so the pages never end`);
    const { maxPages } = this.#paging;
    if (this.pages + 1 >= maxPages)
      throw paged(subject, `is not the last, and paging.maxPages allows ${maxPages} pages`);
  }

  #requireSameTotal(subject: string, total: number | null): void {
    if (!isByPlace(this.#paging) || total === null || this.#total === null || total === this.#total) return;
    throw changed(subject, `the list has ${total} records, and had ${this.#total} at the page before`);
  }
}

function requireAll(subject: string, total: number | null, records: number): void {
  if (total === null || total === records) return;
  throw changed(subject, `is the last; all pages have ${records} records, where the list has ${total}`);
}

/** Texts of positions and hashes cannot be equal: a position has a brace. */
function keyOf(position: Position): string {
  const { kind } = position;
  return sha256Key(
    kind === 'link' ? `link ${position.url}` : `own ${typeof position.cursor} ${position.cursor ?? ''}`,
  );
}

function sha256Key(text: string): string {
  return `position ${sha256(text)}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function paged(subject: string, what: string): PipelineError {
  return new PipelineError('SOURCE_PAGED', `${subject}: it ${what}`);
}

function changed(subject: string, what: string): PipelineError {
  return new PipelineError('SOURCE_CHANGED', `${subject}: ${what}; records could be missed or doubled`);
}
