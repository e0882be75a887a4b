import { z } from 'zod';

const sideSchema = z.strictObject({
  name: z.string(),
  /** Of each run, in order. */
  seconds: z.array(z.number()),
  /** A median, as are the following. */
  cpuSeconds: z.number(),
  peakMebibytes: z.number(),
  /** Null where the two sides share the servers at the same time. */
  servers: z.strictObject({ kafka: z.number(), namenode: z.number(), datanode: z.number() }).nullable(),
});

const resultSchema = z.strictObject({
  name: z.string(),
  title: z.string(),
  about: z.string(),
  on: z.iso.date(),
  data: z.enum(['generated', 'given']),
  attempts: z.number(),
  bytes: z.number(),
  sides: z.array(sideSchema),
  goals: z.array(
    z.strictObject({
      what: z.string(),
      value: z.number(),
      unit: z.enum(['times', 'MiB', 'names']),
      sense: z.enum(['at least', 'at most']),
      bound: z.number().nullable(),
    }),
  ),
  /** Figures of another form than those of the sides: the names of the columns, and rows. */
  table: z.strictObject({ columns: z.array(z.string()), rows: z.array(z.array(z.string())) }).optional(),
  notes: z.array(z.string()),
});

/** Schema of `bench/results.json`. */
export const resultsSchema = z.strictObject({
  machine: z.strictObject({ processor: z.string(), cores: z.number(), memoryGibibytes: z.number() }),
  versions: z.record(z.string(), z.string()),
  benches: z.array(resultSchema),
});

/** Stored figures of one side of a bench. */
export type SideResult = z.infer<typeof sideSchema>;
/** Stored result of a bench. */
export type Result = z.infer<typeof resultSchema>;
/** Contents of `bench/results.json`, from which `docs/benchmarks.md` is generated. */
export type Results = z.infer<typeof resultsSchema>;
