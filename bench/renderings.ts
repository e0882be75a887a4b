import { Random } from '../simulator/random.ts';

/** A member of an object. */
type Member = readonly [name: string, value: unknown];

/** How a JSON value is written; each function is given the value and returns JSON. */
interface Style {
  readonly name: (name: string) => string;
  readonly text: (text: string) => string;
  readonly number: (number: number) => string;
  readonly boolean: (boolean: boolean) => string;
  /** Returns the members of an object as they are written. */
  readonly members: (members: readonly Member[]) => readonly Member[];
}

const COMPACT: Style = {
  name: JSON.stringify,
  text: JSON.stringify,
  number: String,
  boolean: String,
  members: (members) => members,
};

const BYTE_ORDER_MARK = '\ufeff';

/** The optional fields of an attempt and of its objects, in addition to those that the generator leaves out. */
const OPTIONAL = { at: 'options', submitted: 'options' } as const;

/** An attempt, as the generator or a customer's file has it. */
export type PlainAttempt = Readonly<Record<string, unknown>>;

/** Other texts of the same attempt, by the name of the rendering; none changes what lands. */
export const RENDERINGS: ReadonlyMap<string, (attempt: PlainAttempt) => string> = new Map([
  ['one unknown field', (attempt) => JSON.stringify({ ...attempt, region: 'eu-west-1' })],
  ['unknown fields in every object', styled({ members: withUnknown })],
  ['whole numbers as 1.0', styled({ number: (number) => `${number}.0` })],
  ['whole numbers as 1e0', styled({ number: (number) => `${number}e0` })],
  ['numbers and booleans as texts', styled({ number: quoted, boolean: quoted })],
  ['epochs as numbers', (attempt) => JSON.stringify(withNumericEpochs(attempt))],
  ['escapes in names and texts', styled({ name: escaped, text: escaped })],
  ['fields in random order', inRandomOrder()],
  ['pretty print', (attempt) => JSON.stringify(attempt, null, 2)],
  ['nulls, after a byte order mark', (attempt) => BYTE_ORDER_MARK + styled({ members: withNulls })(attempt)],
]);

function styled(style: Partial<Style>): (attempt: PlainAttempt) => string {
  const whole = { ...COMPACT, ...style };
  return (attempt) => written(attempt, whole);
}

function written(value: unknown, style: Style): string {
  if (typeof value === 'string') return style.text(value);
  if (typeof value === 'number') return style.number(value);
  if (typeof value === 'boolean') return style.boolean(value);
  if (Array.isArray(value)) return `[${value.map((item) => written(item, style)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return 'null';
  const members = style.members(Object.entries(value));
  return `{${members.map(([name, member]) => `${style.name(name)}:${written(member, style)}`).join(',')}}`;
}

function quoted(value: number | boolean): string {
  return `"${value}"`;
}

/** Writes a text with its first character as an escape. */
function escaped(text: string): string {
  const [first] = text;
  if (first === undefined || first > '\u{ffff}') return JSON.stringify(text);
  const digits = first.charCodeAt(0).toString(16).padStart(4, '0');
  return `"\\u${digits}${JSON.stringify(text.slice(1)).slice(1)}`;
}

/** A value of an unknown field, with nested values. */
const META = { tags: ['a', 'b'], score: 0.5 };

/** Adds an unknown field with nested values. */
function withUnknown(members: readonly Member[]): readonly Member[] {
  if (members[0]?.[0] === 'tags') return members;
  return [...members.slice(0, 1), ['meta', META], ...members.slice(1)];
}

/** Adds the optional fields of options that were left out, as nulls. */
function withNulls(members: readonly Member[]): readonly Member[] {
  const names = new Set(members.map(([name]) => name));
  if (!names.has('checked')) return members;
  const absent = Object.keys(OPTIONAL).filter((name) => !names.has(name));
  return [...members, ...absent.map((name) => [name, null] as const)];
}

function withNumericEpochs(attempt: PlainAttempt): PlainAttempt {
  const { keen_timestamp: timestamp, keen_created_at: createdAt } = attempt;
  return {
    ...attempt,
    ...(timestamp !== undefined && { keen_timestamp: Number(timestamp) }),
    ...(createdAt !== undefined && { keen_created_at: Number(createdAt) }),
  };
}

function inRandomOrder(): (attempt: PlainAttempt) => string {
  const random = new Random(1);
  return styled({ members: (members) => random.shuffle([...members]) });
}
