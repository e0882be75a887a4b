import type { Bench } from '../context.ts';
import { backfillBench } from './backfill.ts';
import { commitsBench } from './commits.ts';
import { eraseBench } from './erase.ts';
import { feedBench } from './feed.ts';
import { fetchBench } from './fetch.ts';
import { formsBench } from './forms.ts';
import { kafkaClientsBench } from './kafka-clients.ts';
import { landBench, smallBench } from './land.ts';
import { largeBench } from './large.ts';
import { monthBench } from './month.ts';
import { profileBench } from './profile.ts';
import { publishBench } from './publish.ts';
import { readingBench } from './reading.ts';
import { workersBench } from './workers.ts';

/** All benches, in run order and page order. */
export const BENCHES: readonly Bench[] = [
  landBench,
  profileBench,
  smallBench,
  formsBench,
  feedBench,
  publishBench,
  fetchBench,
  workersBench,
  largeBench,
  commitsBench,
  eraseBench,
  backfillBench,
  readingBench,
  monthBench,
  kafkaClientsBench,
];
