import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import { entryFile } from '../../adapters/delta/log-paths.ts';
import type { Warehouse } from '../../adapters/delta/warehouse.ts';
import { storeBytes } from '../../adapters/hdfs/verified-upload.ts';
import { PipelineError, messageOf } from '../../model/errors.ts';
import { partitionAppId } from '../../steps/landing/transaction-ids.ts';
import { rowCountOf } from '../query/live-tables.ts';
import type { PartitionReport } from './partitions.ts';
import type { Snapshots } from './tables.ts';

/** The counts of a partition from its first landed offset on; see `PartitionReport`. */
export type ProvedPartition = z.infer<typeof ProvedPartition>;

const ProvedPartition = z.strictObject({
  topic: z.string(),
  partition: z.int(),
  from: z.int(),
  to: z.int(),
  consumed: z.int(),
  deliveries: z.int(),
  quarantined: z.int(),
  gaps: z.int(),
  skipped: z.int(),
  gone: z.int(),
});

const ProvedTable = z.strictObject({
  version: z.int(),
  /** The SHA-256 of the version's log entry, hexadecimal. */
  entrySha256: z.string(),
  files: z.int(),
  rows: z.int(),
});

const StoredProof = z.strictObject({
  /** ISO 8601. */
  provedAt: z.iso.datetime(),
  /** The time of the proof that this one continues; null if everything was checked. */
  since: z.iso.datetime().nullable(),
  /** By name. */
  tables: z.record(z.string(), ProvedTable),
  partitions: z.array(ProvedPartition),
});

/** The state of a warehouse in which `verify` found no inconsistency. */
export type Proof = z.infer<typeof StoredProof>;

/** A state of a warehouse in which there were no findings. */
interface VerifiedState {
  /** ISO 8601; the time before the tables were read. */
  readonly provedAt: string;
  readonly snapshots: Snapshots;
  /** Counts of the offsets that were verified. */
  readonly partitions: readonly PartitionReport[];
}

type Count = 'consumed' | 'deliveries' | 'quarantined' | 'gaps' | 'skipped' | 'gone';

/** The number of proofs that are kept. */
const MAX_PROOFS = 30;
const FILE_NAME = /^\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}-\d{3}Z\.json$/;

/** The proofs of a warehouse: files in its folder `_proofs`, which readers of the tables ignore. */
export class Proofs {
  readonly #warehouse: Warehouse;

  constructor(warehouse: Warehouse) {
    this.#warehouse = warehouse;
  }

  /** The folder, absolute. */
  get folder(): string {
    return `${this.#warehouse.path}/_proofs`;
  }

  /**
   * Reads the newest proof that was made until a time. Read-only.
   * @param untilMs Milliseconds since 1970; default now.
   * @throws {PipelineError} PROOF_UNKNOWN if there is none; PROOF_OUTDATED if it cannot be parsed
   */
  async read(untilMs = Infinity): Promise<Proof> {
    const names = await this.#names();
    const name = names.findLast((one) => timeOf(one) <= untilMs);
    if (name === undefined) {
      const oldest = names[0] === undefined ? 'there is none' : `the oldest is of ${isoOf(timeOf(names[0]))}`;
      throw new PipelineError('PROOF_UNKNOWN', `${this.folder} has no proof of that time: ${oldest}`);
    }
    const path = `${this.folder}/${name}`;
    try {
      return StoredProof.parse(JSON.parse((await this.#warehouse.options.hdfs.read(path)).toString('utf8')));
    } catch (cause) {
      if (!(cause instanceof SyntaxError || cause instanceof z.ZodError)) throw cause;
      throw new PipelineError('PROOF_OUTDATED', `${path} is no proof: ${messageOf(cause)}`, { cause });
    }
  }

  /** Stores a proof, and deletes the oldest beyond a limit. */
  async save(proof: Proof): Promise<void> {
    const { hdfs } = this.#warehouse.options;
    await hdfs.makeFolder(this.folder);
    const temporary = `${this.folder}/_${randomUUID()}`;
    await storeBytes(hdfs, Buffer.from(JSON.stringify(proof)), temporary);
    await hdfs.replace(temporary, `${this.folder}/${proof.provedAt.replaceAll(/[:.]/g, '-')}.json`);
    for (const name of (await this.#names()).slice(0, -MAX_PROOFS))
      await hdfs.delete(`${this.folder}/${name}`);
  }

  /** Returns the names of the proofs, the oldest first. */
  async #names(): Promise<string[]> {
    const { hdfs } = this.#warehouse.options;
    if ((await hdfs.status(this.folder)) === undefined) return [];
    return (await hdfs.list(this.folder)).map(({ name }) => name).filter((name) => FILE_NAME.test(name));
  }
}

/**
 * Returns the proof of a state that was verified.
 * @param base The proof that was continued; null if everything was verified.
 */
export async function continueProof(
  warehouse: Warehouse,
  base: Proof | null,
  { provedAt, snapshots, partitions }: VerifiedState,
): Promise<Proof> {
  const tables = new Map<string, Proof['tables'][string]>();
  for (const [{ name }, snapshot] of snapshots) {
    const entrySha256 = snapshot && (await entryHash(warehouse, name, snapshot.version));
    // The log was cleaned up meanwhile: the table is left out, and counts as new in the next proof.
    if (snapshot === undefined || entrySha256 === undefined) continue;
    const files = [...snapshot.files.values()];
    const rows = files.reduce((sum, file) => sum + (rowCountOf(file) ?? 0), 0);
    tables.set(name, { version: snapshot.version, entrySha256, files: files.length, rows });
  }
  const earlier = new Map(base?.partitions.map((one) => [partitionAppId(one.topic, one.partition), one]));
  return {
    provedAt,
    since: base?.provedAt ?? null,
    tables: Object.fromEntries(tables),
    partitions: partitions.map((one) => {
      const before = earlier.get(partitionAppId(one.topic, one.partition));
      const sum = (count: Count): number => one[count] + (before?.[count] ?? 0);
      return {
        topic: one.topic,
        partition: one.partition,
        from: before?.from ?? one.from,
        to: one.to,
        consumed: sum('consumed'),
        deliveries: sum('deliveries'),
        quarantined: sum('quarantined'),
        gaps: sum('gaps'),
        skipped: sum('skipped'),
        gone: sum('gone'),
      };
    }),
  };
}

/** Returns the SHA-256 of a log entry, hexadecimal; undefined if the log no longer has it. */
export async function entryHash(
  warehouse: Warehouse,
  table: string,
  version: number,
): Promise<string | undefined> {
  const { options, path } = warehouse;
  const bytes = await options.hdfs.readIfExists(entryFile(`${path}/${table}`, version));
  return bytes && createHash('sha256').update(bytes).digest('hex');
}

/** Returns the time in a proof's file name, in milliseconds since 1970. */
function timeOf(name: string): number {
  return Date.parse(name.replace(/T(\d\d)-(\d\d)-(\d\d)-(\d{3})Z\.json$/, 'T$1:$2:$3.$4Z'));
}

function isoOf(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
