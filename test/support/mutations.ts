import type { Random } from '../../simulator/random.ts';

/** Values of every type, in all forms, and texts that are no JSON. */
export const VALUES = [
  ...[
    'null',
    'true',
    'false',
    '0',
    '1',
    '-1',
    '1.0',
    '1.7',
    '1e2',
    '1e999',
    '-0',
    '2147483647',
    '2147483648',
    '9007199254740993',
  ],
  ...[
    '1e400',
    '-1e400',
    '1e-400',
    '0e999',
    '-0.0E-0',
    '1e99999999999999999999',
    '1e',
    '1.',
    '.5',
    '01',
    '-',
    '+1',
  ],
  ...['10e-1', '1E+0', '0.1e1', '100000000000e-11', '1.0000000000000000001', '0.99999999999999999999', '0x1'],
  ...[
    '2147483647.0000000001',
    '2147483647.4999999',
    '-2147483648.0e0',
    '9007199254740991',
    '9007199254740992',
  ],
  ...[
    '1516717442.7352661',
    '1516717442.73526611111',
    '1.5167174427352661e9',
    '0.000001',
    '0.0000001',
    '5e-7',
  ],
  ...[
    '253402300799.9999',
    '253402300800',
    '-62135596800.0000005',
    '99999999999.99999',
    '1e21',
    '123456789012',
  ],
  ...['"1\\u002e0"', '"tru\\u0065"', '"1\\""', '"\\u00311"', '"2018-01-31T00\\u003a00:00Z"', '"\\/"'],
  ...[
    '""',
    '"1"',
    '"1.0"',
    '"1.7"',
    '"maybe"',
    '"true"',
    '"false"',
    '"FALSE"',
    '" 1"',
    '"1e3"',
    '"0x10"',
    '"NaN"',
    '"Infinity"',
  ],
  ...[
    '"2018-02-30T00:00:00Z"',
    '"2018-01-31T00:00:00.123456Z"',
    '"2018-01-31"',
    '"2018-01-31T24:00:00Z"',
    '"0000-01-01T00:00:00Z"',
    '"2016-02-29T12:00:00Z"',
    '"1900-02-29T12:00:00Z"',
    '"1600-03-01T00:00:00.000001+00:01"',
    '"2018-01-31T00:00:00.5-03:30"',
  ],
  ...[
    '"9999-12-31T23:59:59.999999Z"',
    '"2018-01-31T00:00:00+14:00"',
    '"1516717442.7352661"',
    '"1516717442.73526611111"',
    '"-5.5"',
    '"-0.0000005"',
    '"99999999999.9999995"',
    '1516717442.735266',
  ],
  ...[
    '"2018-01-31 00:00:00.123456789+0530"',
    '"2018-01-31t00:00:00.1234565z"',
    '"2018-01-31T00:00:00.12345600000000Z"',
    '"2018-01-31T00:00:00.0000000+00:00"',
    '"2018-01-31T00:00:00-03"',
    '"1969-12-31T23:59:59.9999999Z"',
    '"9999-12-31T23:59:59.9999995Z"',
    '"9999-12-31T23:59:59-00:01"',
    '"0001-01-01T00:00:00+0001"',
    '"0001-01-01T00:00:00-00:01"',
    '"253402300799.9999994000"',
    '"253402300799.9999995"',
    '"-62135596800.0000004"',
    '"-62135596800.0000005"',
  ],
  ...[
    '[]',
    '{}',
    '[[]]',
    '[null]',
    '[{}]',
    '{"id":1}',
    '"\\u0000"',
    '"\\ud800"',
    '"\\ud83d\\ude00"',
    '"é中"',
    '"\\u003a"',
    '"\\ufeffa\\"b\\\\c\\n\\u0007"',
    '":"',
  ],
];

const NAMES = [
  '"__proto__"',
  '"constructor"',
  '"keen_id"',
  '"id"',
  '"options"',
  '""',
  '"é"',
  '"a b"',
  '"\\u0069d"',
  '"\\ud800"',
  '"keen\\u005fid"',
];

/** Values of unknown fields; most are invalid. */
const UNKNOWN = [
  ...[
    '{"a":1,"a":2}',
    '{"a":{"b":1,"b":1}}',
    '[{"a":1,"\\u0061":1}]',
    '{"a":{"a":{}},"a":[]}',
    '{"":1,"":1}',
  ],
  ...['[1,]', '{"a":1,}', '[,1]', '{,}', '{"a"}', '{"a":}', '{1:1}', '[1 2]', '[}', '{]', '[[]', '{"a":1]'],
  ...['"\\ud800"', '"\\udc00\\ud800"', '{"\\udc00":1}', '"\\x"', '"\\u12g4"', '"\t"', '"\u0001"', '"'],
  ...['nul', 'True', 'falsey', 'tru', 'NaN', '-Infinity', '1e400', '-0', '00', '1.e1', '1e+', '--1', '1_0'],
  ...[`${'{"a":'.repeat(500)}1${'}'.repeat(499)}`, `${'['.repeat(500)}${']'.repeat(501)}`],
  ...[false, true].map((isTwice) => `{${manyMembers(isTwice)}}`),
];

/** Returns the members of a large object, possibly with one duplicate. */
function manyMembers(isTwice: boolean): string {
  const names = Array.from({ length: 50 }, (_, at) => `name ${(at * 7) % 50}`);
  return [...names, ...(isTwice ? ['name 3'] : [])].map((name) => `"${name}":1`).join(',');
}

/** Bytes that are invalid in JSON or UTF-8, or that change the meaning of their surroundings. */
const BYTES = [
  0x00, 0x09, 0x0a, 0x22, 0x2c, 0x3a, 0x5b, 0x5c, 0x5d, 0x7b, 0x7d, 0x80, 0xc3, 0xed, 0xff, 0x30, 0x61,
];

type Mutation = (text: string, random: Random) => string | Buffer | null;

const MUTATIONS: readonly Mutation[] = [
  (text) => text,
  (text) => `\ufeff${text}`,
  (text, random) =>
    replaceOne(
      text,
      /(?<=: ?)(?:"[^"]*"|true|false|null|-?\d[\d.]*)(?=[,}\]])/g,
      pick(VALUES, random),
      random,
    ),
  (text, random) =>
    replaceOne(
      text,
      /(?<=: ?)(?:"[^"]*"|true|false|null|-?\d[\d.]*)(?=[,}\]])/g,
      pick(VALUES, random),
      random,
    ),
  (text, random) => replaceOne(text, /"[a-z_]+":/g, `${pick(NAMES, random)}:`, random),
  (text, random) => replaceOne(text, /\{/g, `{${pick(NAMES, random)}:${pick(VALUES, random)},`, random),
  (text, random) => replaceOne(text, /"[a-z_]+":("[^"]*"|true|false|\d+),/g, '', random),
  (text, random) => replaceOne(text, /("[a-z_]+":("[^"]*"|true|false|\d+),)/g, '$1$1', random),
  (text, random) => replaceOne(text, /[,:{}[\]]/g, '', random),
  (text, random) => replaceOne(text, /[,:]/g, pick(['\n', '\t', ' , ', ':', ',,'], random), random),
  (text, random) => text.slice(0, random.below(text.length)),
  (text, random) => replaceOne(text, /\{/g, `{"deep":${'['.repeat(500)}${']'.repeat(500)},`, random),
  (text, random) => replaceOne(text, /\{/g, `{${pick(NAMES, random)}:${pick(UNKNOWN, random)},`, random),
  (text, random) => changeByte(Buffer.from(text), random),
  (text, random) => changeByte(changeByte(Buffer.from(text), random), random),
  (text, random) =>
    pick([null, '', ' ', '[]', '3', '"text"', 'null', '{}', text + text, `${text}\n`], random),
];

/** Returns a record, mutated in some way or unchanged. */
export function mutate(text: string, random: Random): Buffer | null {
  const mutation = pick(MUTATIONS, random);
  const mutated = mutation(text, random);
  return typeof mutated === 'string' ? Buffer.from(mutated) : mutated;
}

/** Returns one of the values. */
export function pick<T>(all: readonly T[], random: Random): T {
  const picked = all[random.below(all.length)];
  if (picked === undefined) throw new RangeError('there is nothing to pick from');
  return picked;
}

function replaceOne(text: string, pattern: RegExp, by: string, random: Random): string {
  const places = [...text.matchAll(pattern)];
  if (places.length === 0) return text;
  const place = pick(places, random);
  const replaced = by.replaceAll('$1', place[1] ?? '');
  return text.slice(0, place.index) + replaced + text.slice(place.index + place[0].length);
}

function changeByte(bytes: Buffer, random: Random): Buffer {
  if (bytes.length > 0) bytes[random.below(bytes.length)] = pick(BYTES, random);
  return bytes;
}
