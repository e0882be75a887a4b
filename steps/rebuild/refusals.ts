import { truncate } from '../../lib/truncate.ts';
import type { RefusedDeliveries } from '../../model/rebuild.ts';
import type { ContractFault } from '../../records/check.ts';

/** Refused deliveries that are named; the others are counted. */
const MAX_NAMED = 5;

const MAX_NAMED_LENGTH = 300;

/** Counts deliveries that cannot become rows, and names the first of them. */
export class RefusalTally {
  #count = 0;
  readonly #named: string[] = [];

  /** @param position Topic, partition and offset of the delivery. */
  add(position: string, { path, reason }: ContractFault): void {
    this.#count += 1;
    if (this.#named.length < MAX_NAMED)
      this.#named.push(truncate(`${position}: ${path === '' ? '' : `${path} `}${reason}`, MAX_NAMED_LENGTH));
  }

  /** Adds the counts of other deliveries. */
  addAll({ count, named }: RefusedDeliveries): void {
    this.#count += count;
    this.#named.push(...named.slice(0, MAX_NAMED - this.#named.length));
  }

  counts(): RefusedDeliveries {
    return { count: this.#count, named: [...this.#named] };
  }
}
