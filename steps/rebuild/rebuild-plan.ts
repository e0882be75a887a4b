import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AddFile } from '../../adapters/delta/actions.ts';
import { PendingFile } from '../../adapters/delta/pending-files.ts';
import { ScratchFiles } from '../../adapters/delta/scratch-files.ts';
import type { DeltaTable } from '../../adapters/delta/table.ts';

/** A position by transaction id. */
const Position = z.tuple([z.string(), z.coerce.bigint()]);

const RebuildPlan = z.strictObject({
  table: z.string(),
  /** The version of the table whose files are replaced. */
  version: z.int(),
  /** The paths of these files. */
  replaced: z.array(z.string()),
  /** The positions of the table at that version. */
  positions: z.array(Position),
  /** The positions up to which rows are rebuilt: those of the table, or of `deliveries` where the table is behind it. */
  until: z.array(Position),
  /** The application ids of erased messages in `deliveries`, which get no rows. */
  erased: z.array(z.string()),
  /** The files of `deliveries`, in parts of bounded size. */
  parts: z.array(z.array(AddFile)),
});

/** The files that a rebuild of a table reads and replaces. */
export type RebuildPlan = z.infer<typeof RebuildPlan>;

const RebuiltPart = z.strictObject({
  files: z.array(PendingFile),
  deliveries: z.int(),
  rows: z.int(),
  refused: z.strictObject({ count: z.int(), named: z.array(z.string()) }),
});

/** The files that were made of one part of `deliveries`, uploaded and not yet in the table. */
export type RebuiltPart = z.infer<typeof RebuiltPart>;

/**
 * The state of a rebuild in the table's folder in HDFS, so that any worker can continue it. A plan is named by its
 * SHA-256, so that attempts with other plans do not mix.
 */
export class RebuildState {
  readonly #files: ScratchFiles;

  /** @param scratch The folder under `_scratch`, named after the run. */
  constructor(table: Pick<DeltaTable, 'path' | 'hdfs'>, scratch: string) {
    this.#files = new ScratchFiles(table, scratch);
  }

  /** Writes a plan and returns its SHA-256. */
  async writePlan(plan: RebuildPlan): Promise<string> {
    const bytes = encode(plan);
    const id = sha256Of(bytes);
    await this.#files.write(planName(id), bytes);
    return id;
  }

  /** Reads a plan; undefined if it is gone. */
  async readPlan(id: string): Promise<RebuildPlan | undefined> {
    const bytes = await this.#files.read(planName(id));
    return bytes === undefined || sha256Of(bytes) !== id ? undefined : RebuildPlan.parse(decode(bytes));
  }

  async writePart(id: string, part: number, made: RebuiltPart): Promise<void> {
    await this.#files.write(partName(id, part), encode(made));
  }

  /** Reads the result of a part; undefined if it is not done. */
  async readPart(id: string, part: number): Promise<RebuiltPart | undefined> {
    const bytes = await this.#files.read(partName(id, part));
    return bytes === undefined ? undefined : RebuiltPart.parse(decode(bytes));
  }

  /** Deletes the result of a part, so that it is done again. Idempotent. */
  async forgetPart(id: string, part: number): Promise<void> {
    await this.#files.delete(partName(id, part));
  }
}

function planName(id: string): string {
  return `rebuild-${id}.json`;
}

function partName(id: string, part: number): string {
  return `rebuild-${id}-${part}.json`;
}

function encode(value: RebuildPlan | RebuiltPart): Buffer {
  return Buffer.from(
    JSON.stringify(value, (_, member: unknown) => (typeof member === 'bigint' ? String(member) : member)),
  );
}

function decode(bytes: Buffer): unknown {
  return JSON.parse(bytes.toString('utf8'));
}

function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
