import { DuckDBTimestampTZValue, type DuckDBAppender, type DuckDBConnection } from '@duckdb/node-api';
import { firstHeaderValue } from '../../adapters/kafka/message-headers.ts';
import type { StagedMessage } from '../../adapters/staging/staged-messages.ts';
import { PipelineError } from '../../model/errors.ts';
import { FieldTally } from '../../model/field-counts.ts';
import { ReasonTally } from '../../model/reasons.ts';
import { SOURCE_HEADER } from '../../model/references.ts';
import { BatchLimits, type CheckedSource } from './batch-limits.ts';
import { MAX_RECORD_BYTES, defaultSourceOf, type Settings } from '../../model/settings.ts';
import { checkAttempt, type Fault, type PathCounts } from '../../records/check.ts';
import { normalizedText } from '../../records/normalize.ts';
import { QUARANTINED } from '../../tables/relations.ts';
import { AttemptScan } from '../../records/scan.ts';
import { EARLIEST_MS, LATEST_MS } from '../../records/times.ts';
import { createRelations } from './batch-relations.ts';
import { sizeRefusal } from '../publish/message-builder.ts';

/** What Kafka gives as the timestamp of a message that has none. */
const NO_TIMESTAMP_MS = -1;

const TIME_FAULT: Fault = { path: '', reason: 'its timestamp is not of the years 1 to 9999' };

const NOTHING = Buffer.alloc(0);

/** How much more room the columns of a batch get than those of the batch before would have needed. */
const ROOM = 1.1;

/** The messages of a batch in DuckDB: those that become rows, and those that do not. */
export class BatchRows {
  /** Fields of them that no table knows. */
  readonly unknown = new FieldTally();
  /** The sources that the messages belong to. */
  readonly sources = new Set<string>();
  /** Why messages are quarantined. */
  readonly reasons = new ReasonTally();
  landed = 0;
  quarantined = 0;
  readonly #connection: DuckDBConnection;
  readonly #quarantined: DuckDBAppender;
  readonly #topic: string;
  readonly #known: ReadonlySet<string>;
  readonly #ofOtherTopics: ReadonlySet<string>;
  readonly #defaultSource: string;
  readonly #limits: BatchLimits;
  readonly #scan: AttemptScan;
  #last = { headers: '', source: '' };
  /** How many rows of each level a message had in the batch before: most batches are alike. */
  static #rowsOfAMessage: readonly number[] = [];

  private constructor(
    connection: DuckDBConnection,
    quarantined: DuckDBAppender,
    settings: Pick<Settings, 'sources'>,
    topic: string,
    messages: number,
  ) {
    this.#scan = new AttemptScan(BatchRows.#rowsOfAMessage.map((rows) => messages * rows * ROOM));
    this.#connection = connection;
    this.#quarantined = quarantined;
    this.#topic = topic;
    const sources = Object.entries(settings.sources);
    const namesOf = (isOwn: boolean): Set<string> =>
      new Set(sources.filter(([, source]) => (source.topic === topic) === isOwn).map(([name]) => name));
    this.#known = namesOf(true);
    this.#ofOtherTopics = namesOf(false);
    this.#defaultSource = defaultSourceOf(settings, topic);
    this.#limits = new BatchLimits(settings);
  }

  /** @param messages How many are going to be added. */
  static async create(
    connection: DuckDBConnection,
    settings: Pick<Settings, 'sources'>,
    topic: string,
    messages: number,
  ): Promise<BatchRows> {
    await connection.run(QUARANTINED);
    const quarantined = await connection.createAppender('quarantined');
    return new BatchRows(connection, quarantined, settings, topic, messages);
  }

  /** Values of each known field, over all messages that become rows. */
  get values(): PathCounts {
    return this.#scan.values();
  }

  /**
   * Takes a message: as rows, or into quarantine with the reason.
   * @throws {PipelineError} TRANSFORM_FAILED
   */
  add(message: StagedMessage): void {
    const named = this.#sourceOf(message.headers);
    if (!this.#known.has(named)) {
      this.#refuse(message, {
        path: '',
        reason: `its header ${SOURCE_HEADER} names no source of pipeline.yaml`,
      });
      return;
    }
    const fault = this.#boundsFaultOf(message) ?? this.#faultOf(message, named);
    if (fault !== undefined) {
      this.#refuse(message, fault, named);
      return;
    }
    this.#limits.add(named, message, undefined);
    this.landed += 1;
    this.sources.add(named);
  }

  /** What of a message is outside of what is accepted, whatever its value says. */
  #boundsFaultOf({ timestampMs, key, value, headersFault }: StagedMessage): Fault | undefined {
    if (!isTableTime(timestampMs)) return TIME_FAULT;
    const longKey = sizeRefusal(key ?? NOTHING, MAX_RECORD_BYTES);
    const reason =
      headersFault ??
      (longKey === undefined ? sizeRefusal(value ?? NOTHING, MAX_RECORD_BYTES) : `its key ${longKey}`);
    return reason === undefined ? undefined : { path: '', reason };
  }

  /** Has the scan take a message; what keeps it from that. */
  #faultOf(
    { value, headers, partition, offset, timestampMs }: StagedMessage,
    source: string,
  ): Fault | undefined {
    const place = {
      source,
      headers,
      partition,
      offset,
      publishedMs: timestampMs === NO_TIMESTAMP_MS ? undefined : timestampMs,
    };
    if (value !== null && this.#scan.takes(value, place)) return undefined;
    const { fault, unknown, attempt } = checkAttempt(value);
    if (fault !== undefined) return fault;
    // The two would contradict each other: it is not to be found out which of them is right by losing a message.
    if (!this.#scan.takes(normalizedText(attempt), place))
      throw new PipelineError(
        'TRANSFORM_FAILED',
        `the check takes the message ${this.#topic}/${partition}/${offset}, and the scan does not`,
      );
    this.unknown.addAll(unknown);
    return undefined;
  }

  /** Most messages have the headers of the one before. */
  #sourceOf(headers: string): string {
    if (headers !== this.#last.headers)
      this.#last = { headers, source: this.#ownSource(firstHeaderValue(headers, SOURCE_HEADER)) };
    return this.#last.source;
  }

  /** Who may write to a topic is believed only about the sources of that topic: customers are kept apart. */
  #ownSource(named: string | undefined): string {
    return named === undefined || this.#ofOtherTopics.has(named) ? this.#defaultSource : named;
  }

  /**
   * Ends the taking: what becomes rows and what does not is in the relations that the tables' SELECTs name.
   * @param messages Those that were added, in the same order; for each time that they are read.
   */
  async finish(messages: () => Iterable<StagedMessage>): Promise<void> {
    this.#quarantined.closeSync();
    const { attempts, levels } = this.#scan;
    if (attempts.rows > 0) BatchRows.#rowsOfAMessage = levels.map(({ rows }) => rows / attempts.rows);
    await createRelations(this.#connection, this.#scan, this.#topic, messages);
  }

  /** How many bytes the rows take, until they are released. */
  get memoryBytes(): number {
    return this.#scan.memoryBytes;
  }

  /** Lets others have the memory of the rows: their relations may not be read any more. */
  release(): void {
    this.#scan.release();
  }

  /** The messages of sources that have a quarantine limit, judged. */
  get checked(): CheckedSource[] {
    return this.#limits.checked();
  }

  #refuse(message: StagedMessage, fault: Fault, source = this.#defaultSource): void {
    this.quarantined += 1;
    this.reasons.add('transform', fault);
    this.#limits.add(source, message, fault);
    const to = this.#quarantined;
    this.sources.add(source);
    appendHead(to, source, this.#topic, message);
    appendBlob(to, message.value);
    to.appendVarchar('transform');
    to.appendNull();
    to.appendNull();
    to.appendVarchar(fault.path);
    to.appendVarchar(fault.reason);
    to.endRow();
  }
}

function appendHead(to: DuckDBAppender, source: string, topic: string, message: StagedMessage): void {
  to.appendVarchar(source);
  to.appendVarchar(topic);
  to.appendInteger(message.partition);
  to.appendBigInt(message.offset);
  if (message.timestampMs === NO_TIMESTAMP_MS || !isTableTime(message.timestampMs)) to.appendNull();
  else to.appendTimestampTZ(new DuckDBTimestampTZValue(BigInt(message.timestampMs) * 1000n));
  appendBlob(to, message.key);
  to.appendVarchar(message.headers);
}

function isTableTime(ms: number): boolean {
  return ms >= EARLIEST_MS && ms <= LATEST_MS;
}

function appendBlob(to: DuckDBAppender, bytes: Buffer | null): void {
  if (bytes === null) to.appendNull();
  else to.appendBlob(bytes);
}
