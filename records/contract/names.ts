import type { Element } from './element.ts';

/** The tables that all contracts share. */
export const COMMON_TABLES: readonly string[] = ['deliveries', 'quarantine', 'replays', 'runs', 'erasures'];

/** The columns of every table of a contract, and the one that the views of first deliveries compute. */
export const COMMON_COLUMNS: readonly string[] = [
  ...['kafka_topic', 'kafka_partition', 'kafka_offset', 'published_at'],
  ...['source', 'ingested_on', 'delivery'],
];

/** A suffix of views, which no table may have. */
export const VIEW_SUFFIX = '_deduplicated';

const IDENTIFIER = /^[a-z_][a-z0-9_]{0,62}$/;

/** Returns a name of JSON in snake case: lower case letters, digits and `_`. */
export function snakeCase(name: string): string {
  const words = name
    .replaceAll(/([\p{Ll}\d])(\p{Lu})/gu, '$1_$2')
    .replaceAll(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1_$2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '');
  return /^\d/.test(words) ? `_${words}` : words;
}

/** The names of one kind that are in use: of tables, or of the columns of one table. Refuses those that collide. */
export class UniqueNames {
  readonly #kind: string;
  readonly #users = new Map<string, string>();

  /**
   * @param kind For messages, as `table`.
   * @param reserved Names that the pipeline uses.
   */
  constructor(kind: string, reserved: readonly string[]) {
    this.#kind = kind;
    for (const name of reserved) this.#users.set(name, 'the pipeline');
  }

  /**
   * Adds a name; one that is in use or not valid becomes an issue of an element.
   * @param user What it names, for messages.
   */
  add(name: string, user: string, element: Element): void {
    const other = this.#users.get(name);
    if (!IDENTIFIER.test(name))
      element.refuse(
        `the ${this.#kind} of ${user} would be called ${JSON.stringify(name)}, but a name has 1 to 63 of a-z, 0-9 and _, and does not begin with a digit: set physicalName`,
      );
    else if (other !== undefined)
      element.refuse(
        `the ${this.#kind} of ${user} would be called ${name}, as that of ${other}: set another physicalName`,
      );
    else this.#users.set(name, user);
  }
}
