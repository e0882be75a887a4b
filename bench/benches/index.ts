import type { Bench } from '../context.ts';
import { land, small } from './land.ts';

/** Every bench, in the order in which they run and are told of. */
export const BENCHES: readonly Bench[] = [land, small];
