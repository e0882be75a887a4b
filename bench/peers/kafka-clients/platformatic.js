// @platformatic/kafka in the place of ours, for the bench `kafka-clients`; see ours.ts. The first word is the folder
// that has the package.
import { Buffer } from 'node:buffer';
import { performance } from 'node:perf_hooks';
import { createRequire } from 'node:module';
import { linesOf } from './lines.js';

const [folder, job, broker, topic, subject, messagesOfAChunk, run] = process.argv.slice(2);
const { Consumer, Producer, ProduceAcks } = createRequire(`${folder}/`)('@platformatic/kafka');
const base = { clientId: 'bench', bootstrapBrokers: [broker] };
const counted = { messages: 0, bytes: 0 };
/** Of kafka itself: read only what is committed. */
const READ_COMMITTED = 1;

/** Of lines in a record batch; leaves space for the headers. */
const MAX_BATCH_BYTES = 900_000;

const used = process.cpuUsage();
const began = performance.now();
if (job === 'read') await read(BigInt(subject));
else await publish(Number(messagesOfAChunk));
const seconds = (performance.now() - began) / 1000;
const { user, system } = process.cpuUsage(used);
const peakBytes = process.resourceUsage().maxRSS * 1024;
const cpuSeconds = (user + system) / 1e6;
process.stdout.write(`${JSON.stringify({ seconds, cpuSeconds, peakBytes, ...counted })}\n`);
process.exit(0);

/** Its stream omits control records, so the end of the range is assumed when no further message arrives. */
async function read(end) {
  const consumer = new Consumer({ ...base, groupId: `bench-${process.pid}`, isolationLevel: READ_COMMITTED });
  const stream = await consumer.consume({
    topics: [topic],
    mode: 'manual',
    offsets: [{ topic, partition: 0, offset: 0n }],
    autocommit: false,
    maxBytes: 10_485_760,
    maxWaitTime: 100,
  });
  const last = end - 2n;
  for await (const { offset, value, headers } of stream) {
    if (offset >= end) break;
    counted.messages += 1;
    counted.bytes += value.length;
    for (const [name, header] of headers) counted.bytes += name.length + header.length;
    if (offset >= last) break;
  }
}

async function publish(atOnce) {
  let chunk = 0;
  for await (const lines of linesOf(subject, atOnce)) {
    chunk += 1;
    const id = `${run}-${chunk}`;
    const producer = new Producer({
      ...base,
      idempotent: true,
      transactionalId: `publish:${id}`,
      acks: ProduceAcks.ALL,
    });
    const transaction = await producer.beginTransaction();
    for (const values of recordBatches(lines)) {
      const messages = values.map((value) => ({
        topic,
        partition: 0,
        value,
        headers: new Map([[Buffer.from('source'), Buffer.from('bench')]]),
      }));
      await transaction.send({ messages });
    }
    const group = { groupId: `published:${id}`, generationId: -1, memberId: '', coordinatorId: 1 };
    await transaction.addConsumer(group);
    await transaction.addOffset({
      topic,
      partition: 0,
      offset: BigInt(chunk),
      metadata: { consumer: group },
    });
    await transaction.commit();
    await producer.close();
    counted.messages += lines.length;
  }
}

/** It sends the messages of a call as one record batch, whatever its size; the broker takes one of 1 MiB. */
function* recordBatches(lines) {
  let batch = [];
  let bytes = 0;
  for (const line of lines) {
    if (bytes + line.length > MAX_BATCH_BYTES) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(line);
    bytes += line.length;
  }
  yield batch;
}
