import { DuckDBTimestampTZValue, type DuckDBAppender, type DuckDBConnection } from '@duckdb/node-api';
import { firstHeaderValue } from '../../adapters/kafka/message-headers.ts';
import type { StagedMessage } from '../../adapters/staging/staged-messages.ts';
import type { FieldTally } from '../../model/field-counts.ts';
import { ReasonTally } from '../../model/reasons.ts';
import { SOURCE_HEADER } from '../../model/references.ts';
import { BatchLimits, type CheckedSource } from './batch-limits.ts';
import { MAX_RECORD_BYTES } from '../../model/settings-limits.ts';
import { defaultSourceOf, type Settings } from '../../model/settings.ts';
import type { ContractFault, PathCounts } from '../../records/check.ts';
import { quarantine } from '../../tables/index.ts';
import { createTableSql } from '../../tables/relations.ts';
import { AttemptScan } from '../../records/scan.ts';
import { EARLIEST_MS, LATEST_MS } from '../../records/times.ts';
import type { ErasedMessage } from '../erasure/erased-offsets.ts';
import type { ErasedPersons } from '../erasure/erased-persons.ts';
import { createRelations } from './batch-relations.ts';
import { scanMessage } from './scan-message.ts';
import { sizeRefusal } from '../publish/message-builder.ts';

/** Kafka's timestamp of a message without one. */
const NO_TIMESTAMP_MS = -1;

const TIME_FAULT: ContractFault = { path: '', reason: 'its timestamp is not of the years 1 to 9999' };

const EMPTY = Buffer.alloc(0);

/** Capacity reserved for a batch's columns, relative to the rows per message of the previous batch. */
const CAPACITY_RATIO = 1.1;

/** The messages that {@link BatchRows} are of. */
export interface BatchSource {
  readonly settings: Pick<Settings, 'sources'>;
  readonly topic: string;
  /** The number of messages that will be added. */
  readonly messages: number;
  /** The erased persons, whose messages are dropped; none if left out. */
  readonly persons?: ErasedPersons;
}

/** The messages of a batch as relations in DuckDB: scanned attempts, and quarantined messages. */
export class BatchRows {
  /** The sources of the messages. */
  readonly sources = new Set<string>();
  /** Why messages are quarantined. */
  readonly reasons = new ReasonTally();
  /** The messages of erased persons, which are dropped. */
  readonly erased: ErasedMessage[] = [];
  landed = 0;
  quarantined = 0;
  readonly #connection: DuckDBConnection;
  readonly #quarantined: DuckDBAppender;
  readonly #topic: string;
  readonly #known: ReadonlySet<string>;
  readonly #ofOtherTopics: ReadonlySet<string>;
  readonly #defaultSource: string;
  readonly #limits: BatchLimits;
  readonly #persons: ErasedPersons | undefined;
  readonly #scan: AttemptScan;
  #last = { headers: '', source: '' };
  /** Rows of each level per message in the previous batch, to size the columns of the next. */
  static #rowsPerMessage: readonly number[] = [];

  private constructor(
    connection: DuckDBConnection,
    quarantined: DuckDBAppender,
    { settings, topic, messages, persons }: BatchSource,
  ) {
    this.#scan = new AttemptScan(BatchRows.#rowsPerMessage.map((rows) => messages * rows * CAPACITY_RATIO));
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
    this.#persons = persons;
  }

  /** Creates the relations, empty. */
  static async create(connection: DuckDBConnection, source: BatchSource): Promise<BatchRows> {
    await connection.run(createTableSql(quarantine));
    const quarantined = await connection.createAppender(quarantine.name);
    return new BatchRows(connection, quarantined, source);
  }

  /** The number of values of each known field in the accepted messages. */
  get values(): PathCounts {
    return this.#scan.values();
  }

  /** Counts the fields that are not in any table, until `release`. */
  get unknown(): FieldTally {
    return this.#scan.unknown;
  }

  /**
   * Adds a message: as rows, or to the quarantine with the reason; drops one of an erased person.
   * @throws {PipelineError} TRANSFORM_FAILED
   */
  add(message: StagedMessage): void {
    const named = this.#sourceOf(message.headers);
    const owner = this.#known.has(named) ? named : this.#defaultSource;
    if (this.#persons?.hasMessage(owner, message.key, message.value) === true) {
      this.erased.push({ topic: this.#topic, partition: message.partition, offset: message.offset });
      return;
    }
    if (!this.#known.has(named)) {
      this.#refuse(message, {
        path: '',
        reason: `its header ${SOURCE_HEADER} names no source of pipeline.yaml`,
      });
      return;
    }
    const fault = this.#boundsFaultOf(message) ?? this.#scanOrFault(message, named);
    if (fault !== undefined) {
      this.#refuse(message, fault, named);
      return;
    }
    this.#limits.add(named, message, undefined);
    this.landed += 1;
    this.sources.add(named);
  }

  /** Returns the fault of a message whose timestamp, headers or size is out of bounds. */
  #boundsFaultOf({ timestampMs, key, value, headersFault }: StagedMessage): ContractFault | undefined {
    if (!isTableTime(timestampMs)) return TIME_FAULT;
    const longKey = sizeRefusal(key ?? EMPTY, MAX_RECORD_BYTES);
    const reason =
      headersFault ??
      (longKey === undefined ? sizeRefusal(value ?? EMPTY, MAX_RECORD_BYTES) : `its key ${longKey}`);
    return reason === undefined ? undefined : { path: '', reason };
  }

  /** Scans a message into rows, or returns its fault. */
  #scanOrFault(
    { value, headers, partition, offset, timestampMs }: StagedMessage,
    source: string,
  ): ContractFault | undefined {
    const place = {
      source,
      headers,
      partition,
      offset,
      publishedMs: timestampMs === NO_TIMESTAMP_MS ? undefined : timestampMs,
    };
    return scanMessage(this.#scan, this.#topic, value, place);
  }

  /** Cached, since most messages have the headers of the previous one. */
  #sourceOf(headers: string): string {
    if (headers !== this.#last.headers)
      this.#last = { headers, source: this.#ownSource(firstHeaderValue(headers, SOURCE_HEADER)) };
    return this.#last.source;
  }

  /** Ignores a source of another topic: who may write to one topic must not write rows of another's customers. */
  #ownSource(named: string | undefined): string {
    return named === undefined || this.#ofOtherTopics.has(named) ? this.#defaultSource : named;
  }

  /**
   * Creates the relations that the tables' SELECTs read; nothing can be added afterwards.
   * @param messages Returns the added messages, in the same order; called each time that they are read.
   */
  async finish(messages: () => Iterable<StagedMessage>): Promise<void> {
    this.#quarantined.closeSync();
    const { attempts, levels } = this.#scan;
    if (attempts.rows > 0) BatchRows.#rowsPerMessage = levels.map(({ rows }) => rows / attempts.rows);
    await createRelations(this.#connection, this.#scan, this.#topic, messages);
  }

  /** Memory of the rows in bytes, until `release`. */
  get memoryBytes(): number {
    return this.#scan.memoryBytes;
  }

  /** Frees the memory of the rows; their relations must not be read afterwards. */
  release(): void {
    this.#scan.release();
  }

  /** The checked messages of the sources that have a quarantine limit. */
  get checked(): CheckedSource[] {
    return this.#limits.checked();
  }

  #refuse(message: StagedMessage, fault: ContractFault, source = this.#defaultSource): void {
    this.quarantined += 1;
    this.reasons.add('transform', fault);
    this.#limits.add(source, message, fault);
    const to = this.#quarantined;
    this.sources.add(source);
    appendPosition(to, source, this.#topic, message);
    to.appendVarchar('transform');
    // Chunk and position in the chunk, which only records refused at publish have.
    to.appendNull();
    to.appendNull();
    to.appendVarchar(fault.path);
    to.appendVarchar(fault.reason);
    appendBlob(to, message.key);
    to.appendVarchar(message.headers);
    appendBlob(to, message.value);
    to.endRow();
  }
}

function appendPosition(to: DuckDBAppender, source: string, topic: string, message: StagedMessage): void {
  to.appendVarchar(source);
  to.appendVarchar(topic);
  to.appendInteger(message.partition);
  to.appendBigInt(message.offset);
  if (message.timestampMs === NO_TIMESTAMP_MS || !isTableTime(message.timestampMs)) to.appendNull();
  else to.appendTimestampTZ(new DuckDBTimestampTZValue(BigInt(message.timestampMs) * 1000n));
}

function isTableTime(ms: number): boolean {
  return ms >= EARLIEST_MS && ms <= LATEST_MS;
}

function appendBlob(to: DuckDBAppender, bytes: Buffer | null): void {
  if (bytes === null) to.appendNull();
  else to.appendBlob(bytes);
}
