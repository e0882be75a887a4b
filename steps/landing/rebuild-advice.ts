import { REBUILDABLE_TABLES } from '../../tables/index.ts';

/**
 * Returns the end of a message about tables that lack rows: how to derive the rows from `deliveries`; empty if that
 * cannot be done for all of them.
 */
export function rebuildAdvice(...tables: readonly string[]): string {
  const isRebuildable = (name: string): boolean => REBUILDABLE_TABLES.some((table) => table.name === name);
  if (tables.length === 0 || !tables.every(isRebuildable)) return '';
  return `; deliveries has the rows: pipeline rebuild ${tables.join(' ')}`;
}
