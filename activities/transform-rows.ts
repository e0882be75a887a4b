import { DuckDBTimestampTZValue, type DuckDBAppender, type DuckDBConnection } from '@duckdb/node-api';
import { sqlText } from '../adapters/duckdb.ts';
import { headerOf, type StagedMessage } from '../adapters/message-frames.ts';
import { ReasonTally } from '../model/reasons.ts';
import { SOURCE_HEADER } from '../model/references.ts';
import { BatchLimits } from './batch-limits.ts';
import { defaultSourceOf, type Settings } from '../model/settings.ts';
import { addCounts, checkAttempt, type Fault, type PathCounts } from '../tables/check.ts';
import { DERIVED_TABLES, deliveries } from '../tables/index.ts';
import { MESSAGE_RELATIONS, PARSE_MESSAGES } from '../tables/relations.ts';
import { AttemptScan } from '../tables/scan.ts';
import type { Table } from '../tables/table.ts';

/** JSON that JavaScript takes and DuckDB does not; it is quarantined too, since no table could hold it. */
const STRICT_FAULT: Fault = { path: '', reason: 'is not JSON that every reader takes' };

/** The scan accepts strict JSON alone; of the rest, DuckDB has its own opinion. */
const IS_INVALID = 'CASE WHEN is_plain THEN false ELSE NOT json_valid(decode(payload)) END';

/** What Kafka gives as the timestamp of a message that has none. */
const NO_TIMESTAMP_MS = -1;

/** The times that every reader of the tables can hold. */
const EARLIEST_MS = Date.parse('0001-01-01T00:00:00.000Z');
const LATEST_MS = Date.parse('9999-12-31T23:59:59.999Z');
const TIME_FAULT: Fault = { path: '', reason: 'its timestamp is not of the years 1 to 9999' };

/** The messages of a batch in DuckDB: those that become rows, and those that do not. */
export class BatchRows {
  /** Values of each known field, over all messages that become rows. */
  readonly values: PathCounts = new Map();
  readonly unknown: PathCounts = new Map();
  /** The sources that the messages belong to. */
  readonly sources = new Set<string>();
  /** Why messages are quarantined. */
  readonly reasons = new ReasonTally();
  landed = 0;
  quarantined = 0;
  readonly #connection: DuckDBConnection;
  readonly #taken: DuckDBAppender;
  readonly #quarantined: DuckDBAppender;
  readonly #topic: string;
  readonly #known: ReadonlySet<string>;
  readonly #defaultSource: string;
  readonly #limits: BatchLimits;
  readonly #scan = new AttemptScan();
  #last = { headers: '', source: '' };

  private constructor(
    connection: DuckDBConnection,
    appenders: { taken: DuckDBAppender; quarantined: DuckDBAppender },
    settings: Settings,
    topic: string,
  ) {
    this.#connection = connection;
    this.#taken = appenders.taken;
    this.#quarantined = appenders.quarantined;
    this.#topic = topic;
    this.#known = new Set(Object.keys(settings.sources));
    this.#defaultSource = defaultSourceOf(settings, topic);
    this.#limits = new BatchLimits(settings);
  }

  static async create(connection: DuckDBConnection, settings: Settings, topic: string): Promise<BatchRows> {
    await connection.run(MESSAGE_RELATIONS);
    const taken = await connection.createAppender('taken');
    const quarantined = await connection.createAppender('quarantined');
    return new BatchRows(connection, { taken, quarantined }, settings, topic);
  }

  /** Takes a message: as rows, or into quarantine with the reason. */
  add(message: StagedMessage): void {
    const named = this.#sourceOf(message.headers);
    if (!this.#known.has(named)) {
      this.#refuse(message, {
        path: '',
        reason: `its header ${SOURCE_HEADER} names no source of pipeline.yaml`,
      });
      return;
    }
    if (!isTableTime(message.timestampMs)) {
      this.#refuse(message, TIME_FAULT, named);
      return;
    }
    const isPlain = message.value !== null && this.#scan.accepts(message.value);
    if (!isPlain) {
      const verdict = checkAttempt(message.value);
      if (verdict.fault !== undefined) {
        this.#refuse(message, verdict.fault, named);
        return;
      }
      addCounts(this.values, verdict.values);
      addCounts(this.unknown, verdict.unknown);
    }
    this.#limits.take(named, message.headers, undefined);
    this.landed += 1;
    this.sources.add(named);
    appendHead(this.#taken, named, this.#topic, message);
    appendBlob(this.#taken, message.value);
    this.#taken.appendBoolean(isPlain);
    this.#taken.endRow();
  }

  /** Most messages have the headers of the one before. */
  #sourceOf(headers: string): string {
    if (headers !== this.#last.headers)
      this.#last = { headers, source: headerOf(headers, SOURCE_HEADER) ?? this.#defaultSource };
    return this.#last.source;
  }

  /** Ends the taking: what becomes rows and what does not is known, in `messages` and `quarantined`. */
  async finish(): Promise<void> {
    this.#taken.closeSync();
    this.#quarantined.closeSync();
    addCounts(this.values, this.#scan.values());
    await this.#refuseInvalid();
  }

  /** Does something with each table in turn, while the relations that its SELECT names are there. */
  async withEachTable(use: (table: Table) => Promise<void>): Promise<void> {
    await use(deliveries);
    await this.#connection.run(PARSE_MESSAGES);
    for (const table of DERIVED_TABLES) await use(table);
  }

  /** @throws {PipelineError} QUARANTINE_LIMIT when too large a share of what others published is bad. */
  requireWithinLimits(): void {
    this.#limits.require();
  }

  #refuse(message: StagedMessage, fault: Fault, source = this.#defaultSource): void {
    this.quarantined += 1;
    this.reasons.add('transform', fault);
    this.#limits.take(source, message.headers, fault);
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

  async #refuseInvalid(): Promise<void> {
    const found = await this.#connection.runAndReadAll(
      `SELECT decode(payload), source, headers FROM taken WHERE ${IS_INVALID}`,
    );
    if (found.currentRowCount === 0) return;
    for (const [payload, source, headers] of found.getRows()) {
      const { values, unknown } = checkAttempt(Buffer.from(String(payload)));
      this.#limits.turn(String(source), String(headers), STRICT_FAULT);
      this.reasons.add('transform', STRICT_FAULT);
      subtractCounts(this.values, values);
      subtractCounts(this.unknown, unknown);
    }
    this.landed -= found.currentRowCount;
    this.quarantined += found.currentRowCount;
    await this.#connection.run(`
      INSERT INTO quarantined
        SELECT source, kafka_topic, kafka_partition, kafka_offset, published_at, key, headers, payload,
          'transform', NULL, NULL, ${sqlText(STRICT_FAULT.path)}, ${sqlText(STRICT_FAULT.reason)}
        FROM taken WHERE ${IS_INVALID};
      DELETE FROM taken WHERE ${IS_INVALID}`);
  }
}

function subtractCounts(sum: PathCounts, counts: ReadonlyMap<string, number>): void {
  for (const [path, count] of counts) sum.set(path, (sum.get(path) ?? 0) - count);
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
