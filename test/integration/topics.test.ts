import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test, { after, before, describe } from 'node:test';
import zlib from 'node:zlib';
import { ensureTopic, topicOffsets, withAdmin } from '../../adapters/kafka.ts';
import { readRanges } from '../../adapters/kafka-read.ts';
import { attempts } from '../../services/platform/generator.ts';
import { SERVERS, TestPipeline, eventually, statusOf } from '../harness.ts';
import { JavaClient } from './producers/java.ts';
import { kafkajsClient } from './producers/kafkajs.ts';
import { kcatClient, kcatMissing } from './producers/kcat.ts';
import { CODECS, type Codec, type Guarantee, type Publish, type TestMessage } from './producers/message.ts';

/** Of each first publication: over 64 KB, so that it is several blocks of every compression. */
const FIRST = 60;
const MORE = 25;

const READS_ZSTD = 'zstdDecompress' in zlib;
const NO_KCAT = kcatMissing();

/** Who publishes with which compression and guarantee: each guarantee with two compressions or more. */
const PRODUCERS = {
  kafkajs: { none: 'idempotent', gzip: 'transactional', snappy: 'plain', lz4: 'transactional' },
  java: {
    none: 'transactional',
    gzip: 'idempotent',
    snappy: 'transactional',
    lz4: 'plain',
    zstd: 'transactional',
  },
  kcat: { none: 'plain', gzip: 'transactional', snappy: 'idempotent', lz4: 'transactional', zstd: 'plain' },
} as const satisfies Record<string, Partial<Record<Codec, Guarantee>>>;

type ProducerName = keyof typeof PRODUCERS;

interface Feed {
  readonly producer: ProducerName;
  readonly codec: Codec;
  readonly guarantee: Guarantee;
  readonly source: string;
  /** Its attempts are its own. */
  readonly seed: number;
}

const FEEDS: Feed[] = Object.entries(PRODUCERS).flatMap(([producer, guarantees], at) =>
  CODECS.flatMap((codec, place) => {
    const guarantee = (guarantees as Partial<Record<Codec, Guarantee>>)[codec];
    if (guarantee === undefined) return [];
    const seed = 100 * (at + 1) + place;
    return [{ producer: producer as ProducerName, codec, guarantee, source: `${producer}-${codec}`, seed }];
  }),
);

function messagesOf(seed: number, count: number, firstIndex = 0): TestMessage[] {
  return [...attempts({ seed, count, firstIndex })].map((attempt) => ({
    key: Buffer.from(attempt.user_exam_id),
    value: Buffer.from(JSON.stringify(attempt)),
  }));
}

function digest(text: Buffer | string): string {
  return createHash('sha256').update(text).digest('hex');
}

describe('a topic that others fill', () => {
  let pipeline: TestPipeline;
  let java: JavaClient;
  let publish: Record<ProducerName, Publish>;

  before(async () => {
    pipeline = await TestPipeline.create(Object.fromEntries(FEEDS.map(({ source }) => [source, {}])));
    java = await JavaClient.start(SERVERS.kafka);
    publish = {
      java: java.publish,
      kafkajs: kafkajsClient(pipeline.kafka),
      kcat: kcatClient(SERVERS.kafka),
    };
    await pipeline.startWorker();
  });

  after(async () => {
    await java.close();
    await pipeline.close();
  });

  const run = async (source: string) => (await pipeline.start({ source })).result();

  const topicOf = (source: string): string => pipeline.settings.sources[source]?.topic ?? '';

  const fill = async ({ producer, source, codec, guarantee }: Feed, messages: readonly TestMessage[]) => {
    await ensureTopic(pipeline.kafka, topicOf(source), { partitions: 2, replicationFactor: 1 });
    await publish[producer]({ topic: topicOf(source), codec, guarantee }, messages);
  };

  describe('is landed once, whole, and afterwards what is new', { concurrency: 4 }, () => {
    for (const feed of FEEDS) {
      const { producer, codec, guarantee, source, seed } = feed;
      const skip =
        (producer === 'kcat' && NO_KCAT) ||
        (codec === 'zstd' && !READS_ZSTD && 'this Node has no zstd; the next test says what happens');
      test(`from ${producer}, ${codec}, ${guarantee}`, { skip }, async () => {
        await fill(feed, messagesOf(seed, FIRST));
        const first = await run(source);
        assert.deepEqual([first.outcome, first.rows['deliveries']], ['landed', FIRST]);
        const { outcome, batches } = await run(source);
        assert.deepEqual([outcome, batches], ['nothing-new', 0]);
        await fill(feed, messagesOf(seed, MORE, FIRST));
        const more = await run(source);
        assert.deepEqual([more.outcome, more.rows['deliveries']], ['landed', MORE]);
        assert.equal(more.steps.transform.quarantined, 0);
      });
    }
  });
});
