/**
 * The obvious kafkajs program: a loop with one idempotent producer, and 300 messages per send. Prints the seconds
 * from the first send to the end of the last one.
 *
 * Usage: plain-producer.ts BROKER TOPIC FILE, where FILE has a message per line.
 */
import { Kafka, logLevel } from 'kafkajs';
import { readLineBatches } from '../data.ts';

const MESSAGES = 300;
const [broker = '', topic = '', file = ''] = process.argv.slice(2);

const producer = new Kafka({ brokers: [broker], logLevel: logLevel.ERROR }).producer({ idempotent: true });
await producer.connect();
const began = performance.now();
for await (const lines of readLineBatches(file, MESSAGES)) {
  await producer.send({ topic, messages: lines.map((value) => ({ value })) });
}
process.stdout.write(`${JSON.stringify({ seconds: (performance.now() - began) / 1000 })}\n`);
await producer.disconnect();
