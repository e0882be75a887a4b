import { attempts } from './attempts.ts';
import { deliveries } from './deliveries.ts';
import { options } from './options.ts';
import { quarantine } from './quarantine.ts';
import { questions } from './questions.ts';
import { replays } from './replays.ts';
import { runs } from './runs.ts';
import type { Table } from './table.ts';

/** The tables that are made of a batch's messages. */
export const DERIVED_TABLES: readonly Table[] = [quarantine, attempts, questions, options];

/** The tables that a batch fills, in the order of their commits: a batch in `deliveries` is complete. */
export const BATCH_TABLES: readonly Table[] = [...DERIVED_TABLES, deliveries];

/** All tables of the warehouse, each after those that hold what it tells of: readers go through them backwards. */
export const TABLES: readonly Table[] = [...BATCH_TABLES, replays, runs];

export { attempts, deliveries, options, quarantine, questions, replays, runs };
