/** Inputs of activities, right and forged. */
import { NO_DECISIONS } from '../../../model/decisions.ts';
import { NO_FIELDS } from '../../../model/field-counts.ts';
import { NO_FILES } from '../../../model/references.ts';
import { NOTHING_SKIPPED } from '../../../model/skipped.ts';

export const DAY = '2026-01-31';
export const SHA = 'a'.repeat(64);
const ZERO = { recordsIn: 0, recordsOut: 0, quarantined: 0, bytes: 0, seconds: 0 };
const RUN = {
  interval: { from: null, to: null },
  batches: 0,
  gaps: 0,
  rows: {},
  steps: { fetch: ZERO, publish: ZERO, consume: ZERO, transform: ZERO, land: ZERO },
  offsets: [],
  ...NOTHING_SKIPPED,
  decisions: NO_DECISIONS,
  ...NO_FIELDS,
  reasons: { named: [], others: 0 },
};

/** Inputs of a source `good` and its topic, each with what a test gives in its place. */
export class Inputs {
  readonly topic: string;

  constructor(topic: string) {
    this.topic = topic;
  }

  chunk(more: object): object {
    return { id: `good/ndjson-${SHA}/0of1`, path: 'content/0.chunk', records: 1, bytes: 9, ...more };
  }

  batch(more: object = {}): object {
    return { topic: this.topic, ranges: [{ partition: 0, start: '0', end: '1' }], ...more };
  }

  staged(more: object): object {
    return { staged: { batch: this.batch(), path: 'batches/0', messages: 1, gaps: 0, bytes: 9, ...more } };
  }

  ofSource(source: string): object {
    return { source, landed: 1, refused: 0, bytes: 9 };
  }

  landing(more: object): object {
    const counts = { landed: 1, quarantined: 0, ...NO_FIELDS, seconds: 1 };
    return {
      tables: { batch: this.batch(), ...NO_FILES, staged: ['batches/0'], ...counts, ...more },
      skipped: false,
    };
  }

  publishing(more: object, of: object = {}): object {
    return { source: 'good', topic: this.topic, ingestedOn: DAY, chunks: [this.chunk(of)], ...more };
  }

  recording(more: object): object {
    const times = { startedAt: `${DAY}T00:00:00.000Z`, finishedAt: `${DAY}T00:00:01.000Z`, ingestedOn: DAY };
    const result = { outcome: 'landed', source: 'good', topic: this.topic, content: null, ...RUN, ...more };
    return { request: { source: 'good' }, result, ...times };
  }
}

export const OUTSIDE = [
  '../victim',
  '../../victim',
  'batches/../../victim',
  '/etc/passwd',
  '.',
  '..',
  './batches',
  'batches//0',
  'batches/0\0',
  String.raw`..\victim`,
  '',
  'x'.repeat(5000),
];

/** Inputs with the place of staged files, for each activity that has one. */
export const PATHS: readonly [activity: string, input: (of: Inputs, path: string) => object][] = [
  ['land', (of, path) => of.landing({ staged: [path] })],
  ['land', (of, path) => of.landing({ staged: ['batches/0', path] })],
  ['transform', (of, path) => ({ ...of.staged({ path }), ingestedOn: DAY })],
  ['publish', (of, path) => of.publishing({}, { path })],
  ['publish', (of, path) => of.publishing({ chunks: [of.chunk({}), of.chunk({ path })] })],
  ['checkQuarantineLimit', (of, path) => ({ source: 'good', chunks: [of.chunk({ path })] })],
];

export const FORGED: readonly [what: string, activity: string, input: (of: Inputs) => unknown][] = [
  ['a key that does not exist', 'land', (of) => ({ ...of.landing({}), more: 1 })],
  ['a key of a prototype', 'fetch', () => JSON.parse('{"source": "good", "__proto__": {"a": 1}}') as unknown],
  ['no input', 'land', () => null],
  ['an input where none is due', 'cleanUp', () => ({ runId: 'x' })],
  [
    'files of its own',
    'land',
    (of) => of.landing({ files: [{ table: 'deliveries', path: '../secret.txt' }] }),
  ],
  ['a source that is a path', 'land', (of) => of.landing({ sources: [of.ofSource('../x')] })],
  ['a source of another topic', 'land', (of) => of.landing({ sources: [of.ofSource('other')] })],
  ['an unknown table', 'land', (of) => of.landing({ rows: { '../runs': 1 } })],
  ['a topic of no source', 'plan', () => ({ topic: 'a-topic', publishedEnds: {}, until: null })],
  ['a topic of no source', 'consume', (of) => ({ batch: of.batch({ topic: 'a-topic' }), exact: true })],
  ['the topic of another source', 'publish', (of) => of.publishing({ source: 'other' })],
  ['an invalid offset', 'plan', (of) => ({ topic: of.topic, publishedEnds: { 0: '1e3' }, until: null })],
  [
    'an offset over 64 bits',
    'consume',
    (of) => ({
      batch: of.batch({ ranges: [{ partition: 0, start: '0', end: '9223372036854775808' }] }),
      exact: true,
    }),
  ],
  [
    'an empty range',
    'consume',
    (of) => ({ batch: of.batch({ ranges: [{ partition: 0, start: '5', end: '5' }] }), exact: true }),
  ],
  [
    'a partition twice',
    'consume',
    (of) => ({
      batch: of.batch({ ranges: [0, 0].map((partition) => ({ partition, start: '0', end: '1' })) }),
      exact: true,
    }),
  ],
  ['an invalid day', 'transform', (of) => ({ ...of.staged({}), ingestedOn: '2026-02-30' })],
  ['a chunk of another name', 'publish', (of) => of.publishing({}, { id: `good/${SHA}/0` })],
  [
    'a chunk of another name',
    'checkQuarantineLimit',
    (of) => ({ source: 'good', chunks: [of.chunk({ id: `good/${SHA}/0` })] }),
  ],
  [
    'a key that does not exist',
    'checkQuarantineLimit',
    (of) => ({ source: 'good', chunks: [of.chunk({})], limit: 1 }),
  ],
  ['a source that is a path', 'checkQuarantineLimit', () => ({ source: '../good', chunks: [] })],
  ['a day before any run', 'transform', (of) => ({ ...of.staged({}), ingestedOn: '0000-01-01' })],
  ['a day to come', 'publish', (of) => of.publishing({ ingestedOn: '9999-12-31' })],
  ['a time to come', 'record', (of) => ({ ...of.recording({}), finishedAt: '9999-12-31T00:00:00.000Z' })],
  ['a time with more beside it', 'fetch', () => ({ source: 'good', from: '2026 (a, b)' })],
  ['a time that no calendar has', 'fetch', () => ({ source: 'good', to: '2026-02-30' })],
  [
    'an offset of a prototype',
    'plan',
    (of) => ({
      topic: of.topic,
      publishedEnds: JSON.parse('{"__proto__": {"a": 1}}') as unknown,
      until: null,
    }),
  ],
  [
    'a count of a prototype',
    'record',
    (of) => of.recording({ unknownFields: JSON.parse('{"__proto__": "x"}') as unknown }),
  ],
  [
    'rows of a prototype',
    'record',
    (of) => of.recording({ rows: JSON.parse('{"__proto__": {"a": 1}}') as unknown }),
  ],
  ['a source that is no name', 'fetch', () => ({ source: '../good' })],
  ['an invalid run id', 'fetch', () => ({ source: 'good', again: 'x/../y' })],
  ['a run of another source', 'record', (of) => ({ ...of.recording({}), request: { source: 'other' } })],
  ['a run through another topic', 'record', (of) => of.recording({ topic: 'a-topic' })],
  ['an invalid count', 'record', (of) => of.recording({ gaps: 1e300 })],
  ['an unknown outcome', 'record', (of) => of.recording({ outcome: 'lost' })],
];
