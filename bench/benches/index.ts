import type { Bench } from '../context.ts';
import { backfill } from './backfill.ts';
import { commits } from './commits.ts';
import { feed } from './feed.ts';
import { fetch } from './fetch.ts';
import { kafkaClients } from './kafka-clients.ts';
import { land, small } from './land.ts';
import { large } from './large.ts';
import { profile } from './profile.ts';
import { publish } from './publish.ts';
import { reading } from './reading.ts';
import { workers } from './workers.ts';

/** All benches, in run order and page order. */
export const BENCHES: readonly Bench[] = [
  land,
  profile,
  small,
  feed,
  publish,
  fetch,
  workers,
  large,
  commits,
  backfill,
  reading,
  kafkaClients,
];
