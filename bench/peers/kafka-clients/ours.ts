/**
 * Reads a range and publishes chunks with this project's code, for the bench `kafka-clients`.
 *
 * Usage: ours.ts read BROKER TOPIC END | ours.ts publish BROKER TOPIC FILE MESSAGES RUN
 */
import pino from 'pino';
import { Publisher } from '../../../adapters/kafka/publish.ts';
import { readRanges } from '../../../adapters/kafka/read.ts';
import { readLineBatches } from '../../data.ts';

const IDLE_TIMEOUT_MS = 20_000;
const HEADERS = { source: 'bench' };

const [job = '', broker = '', topic = '', subject = '', messagesOfAChunk = '', run = ''] =
  process.argv.slice(2);
const options = {
  brokers: [broker],
  markerTopic: 'pipeline-markers',
  markerRetention: '400d',
  replicationFactor: 1,
  logger: pino({ level: 'silent' }),
};
const counted = { messages: 0, bytes: 0 };
const used = process.cpuUsage();
const began = performance.now();
if (job === 'read') await read(subject);
else await publish(subject, Number(messagesOfAChunk));
const seconds = (performance.now() - began) / 1000;
const { user, system } = process.cpuUsage(used);
const peakBytes = process.resourceUsage().maxRSS * 1024;
const cpuSeconds = (user + system) / 1e6;
process.stdout.write(`${JSON.stringify({ seconds, cpuSeconds, peakBytes, ...counted })}\n`);

async function read(end: string): Promise<void> {
  await readRanges(
    options,
    { topic, ranges: [{ partition: 0, start: '0', end }] },
    {
      onMessages: (_, messages) => {
        counted.messages += messages.length;
        for (const { value, headers } of messages) counted.bytes += (value?.length ?? 0) + headers.length;
        return Promise.resolve();
      },
      isFull: () => false,
      idleTimeoutMs: IDLE_TIMEOUT_MS,
      signal: new AbortController().signal,
    },
  );
}

async function publish(file: string, atOnce: number): Promise<void> {
  const publisher = await Publisher.open(options, topic);
  let chunk = 0;
  for await (const lines of readLineBatches(file, atOnce)) {
    chunk += 1;
    counted.messages += lines.length;
    const messages = lines.map((value) => ({ key: null, value, headers: HEADERS }));
    await publisher.publishOnce({ id: `${run}-${chunk}`, messages: one(messages) });
  }
  await publisher.close();
}

// eslint-disable-next-line @typescript-eslint/require-await -- what the publisher takes is asynchronous
async function* one<T>(value: T): AsyncGenerator<T, void, undefined> {
  yield value;
}
