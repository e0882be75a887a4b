import type { AddFile } from './actions.ts';

/** Returns a text that is equal for files of a table with equal partition values. */
export function partitionKeyOf({ partitionValues }: Pick<AddFile, 'partitionValues'>): string {
  return JSON.stringify(Object.entries(partitionValues).sort());
}
