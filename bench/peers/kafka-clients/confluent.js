// @confluentinc/kafka-javascript, which is librdkafka, in the place of ours, for the bench `kafka-clients`; see
// ours.ts. The first word is the folder that has the package.
import { performance } from 'node:perf_hooks';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { linesOf } from './lines.js';

const [folder, job, broker, topic, subject, messagesOfAChunk, run] = process.argv.slice(2);
const { KafkaConsumer, Producer } = createRequire(`${folder}/`)('@confluentinc/kafka-javascript');
const base = { 'bootstrap.servers': broker };
const counted = { messages: 0, bytes: 0 };
const TIMEOUT_MS = 60_000;
const MESSAGES_A_CALL = 5_000;

const used = process.cpuUsage();
const began = performance.now();
if (job === 'read') await read(Number(subject));
else await publish(Number(messagesOfAChunk));
const seconds = (performance.now() - began) / 1000;
const { user, system } = process.cpuUsage(used);
const peakBytes = process.resourceUsage().maxRSS * 1024;
const cpuSeconds = (user + system) / 1e6;
process.stdout.write(`${JSON.stringify({ seconds, cpuSeconds, peakBytes, ...counted })}\n`);
process.exit(0);

async function connected(client) {
  await promisify(client.connect.bind(client))({});
  return client;
}

async function read(end) {
  const consumer = await connected(
    new KafkaConsumer(
      {
        ...base,
        'group.id': `bench-${process.pid}`,
        'enable.auto.commit': false,
        'isolation.level': 'read_committed',
        'check.crcs': true,
        'enable.partition.eof': true,
        'fetch.message.max.bytes': 10_485_760,
      },
      { 'auto.offset.reset': 'error' },
    ),
  );
  let isOver = false;
  consumer.on('partition.eof', () => (isOver = true));
  consumer.setDefaultConsumeTimeout(50);
  consumer.assign([{ topic, partition: 0, offset: 0 }]);
  const consume = promisify(consumer.consume.bind(consumer));
  while (!isOver) {
    for (const { offset, value, headers } of await consume(MESSAGES_A_CALL)) {
      if (offset >= end) return;
      counted.messages += 1;
      counted.bytes += value.length;
      for (const header of headers ?? [])
        for (const name in header) counted.bytes += name.length + header[name].length;
    }
  }
}

async function publish(atOnce) {
  let chunk = 0;
  for await (const lines of linesOf(subject, atOnce)) {
    chunk += 1;
    const id = `${run}-${chunk}`;
    const producer = await connected(
      new Producer({
        ...base,
        'transactional.id': `publish:${id}`,
        'queue.buffering.max.kbytes': 1_048_576,
        'linger.ms': 5,
      }),
    );
    // The marker's group is that of a consumer, which the client wants to be connected.
    const marker = await connected(new KafkaConsumer({ ...base, 'group.id': `published:${id}` }, {}));
    await promisify(producer.initTransactions.bind(producer))(TIMEOUT_MS);
    await promisify(producer.beginTransaction.bind(producer))();
    for (const line of lines) producer.produce(topic, 0, line, null, null, undefined, [{ source: 'bench' }]);
    const offsets = [{ topic, partition: 0, offset: chunk }];
    await promisify(producer.sendOffsetsToTransaction.bind(producer))(offsets, marker, TIMEOUT_MS);
    await promisify(producer.commitTransaction.bind(producer))(TIMEOUT_MS);
    await Promise.all([producer, marker].map((client) => promisify(client.disconnect.bind(client))()));
    counted.messages += lines.length;
  }
}
