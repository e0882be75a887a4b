import { join } from 'node:path';
import kafkajs from 'kafkajs';
import pino from 'pino';
import { z } from 'zod';
import { topicOffsets } from '../../adapters/kafka/client.ts';
import { secondsOf, shown, type Bench, type Context, type Side } from '../context.ts';
import { ratio } from '../figures.ts';
import { runMeasured, type Measured } from '../measure.ts';
import { installConfluent, installPlatformatic, type Client } from '../peers/kafka-clients/install.ts';

const PEERS = join(import.meta.dirname, '../peers/kafka-clients');
const COPIES = 20;
const MESSAGES_OF_A_CHUNK = 6_560;
const ROUNDS = 5;
/** More messages than one fetch response contains, so that the end of the transaction is in another one. */
const ABORTED = { messages: 24_000, bytes: 1_000, atOnce: 1_000 };

const Printed = z.strictObject({
  ...{ seconds: z.number(), cpuSeconds: z.number(), peakBytes: z.number() },
  ...{ messages: z.number(), bytes: z.number() },
});

const CLIENTS = ['ours', 'platformatic', 'confluent'] as const;
type ClientName = (typeof CLIENTS)[number];
type Clients = Readonly<Record<ClientName, Client | undefined>>;

/** Compares the project's use of Kafka with other clients. */
export const kafkaClientsBench: Bench = {
  name: 'kafka-clients',
  title: 'Clients of Kafka',
  about:
    'Two jobs, by this project’s codecs over kafkajs’s connections, by `@platformatic/kafka` and by `@confluentinc/kafka-javascript` (librdkafka); the programs are in `bench/peers/kafka-clients/`. Read: one partition from its first offset to its end, read_committed, with the value and headers of each message as bytes. Publish: chunks of 6,560 messages to one partition, each in a transaction with its own transactional id that includes an offset of a consumer group. Time, CPU time and memory exclude the programs’ start-up. It runs only if it is named.',
  needs: [],
  isOptional: true,
  run: async (context) => {
    const { data, topics, say } = context;
    const clients: Clients = {
      ours: undefined,
      platformatic: await installPlatformatic(),
      confluent: await installConfluent(),
    };
    const lines = await data.file(COPIES, 'lines');
    const topic = await topics.makeNew(1);
    await runClient(context, clients, 'ours', [
      'publish',
      topic,
      lines.path,
      String(MESSAGES_OF_A_CHUNK),
      'fill',
    ]);
    const end = await endOf(context, topic);
    const runs = CLIENTS.map((client) => ({
      client,
      read: new Array<Measured>(),
      publish: new Array<Measured>(),
    }));
    for (let round = 0; round < (context.quick ? 1 : ROUNDS); round += 1) {
      for (const { client, read, publish } of runs) {
        read.push(await readBy(context, clients, client, { topic, end, messages: lines.attempts }));
        publish.push(await publishBy(context, clients, client, lines));
        say(`  ${client} read ${shownLast(read)}; publish ${shownLast(publish)}`);
      }
    }
    const notes = await abortedNotes(context, clients);
    const sides = runs.flatMap(({ client, read, publish }): Side[] => [
      { name: `${client}: read`, runs: read },
      { name: `${client}: publish`, runs: publish },
    ]);
    const [ours, ...others] = runs;
    const goals = others.flatMap(({ client, read, publish }) =>
      [
        { job: 'read', value: ratio(secondsOf(read), secondsOf(ours?.read ?? [])) },
        { job: 'publish', value: ratio(secondsOf(publish), secondsOf(ours?.publish ?? [])) },
      ].map(({ job, value }) => ({
        ...{ what: `kafka-clients: ${job}: ${client} / ours`, value, unit: 'times' as const },
        ...{ sense: 'at least' as const, bound: null },
      })),
    );
    return { attempts: lines.attempts, bytes: lines.bytes, sides, goals, notes };
  },
};

function shownLast(runs: readonly Measured[]): string {
  return runs.slice(-1).map(shown).join('');
}

async function readBy(
  context: Context,
  clients: Clients,
  client: ClientName,
  { topic, end, messages }: { readonly topic: string; readonly end: string; readonly messages: number },
): Promise<Measured> {
  const { measured, printed } = await runClient(context, clients, client, ['read', topic, end]);
  if (printed.messages !== messages)
    throw new Error(`${client} read ${printed.messages} of ${messages} messages`);
  return measured;
}

async function publishBy(
  context: Context,
  clients: Clients,
  client: ClientName,
  { path }: { readonly path: string },
): Promise<Measured> {
  const topic = await context.topics.makeNew(1);
  const words = ['publish', topic, path, String(MESSAGES_OF_A_CHUNK), topic];
  const { measured } = await runClient(context, clients, client, words);
  await context.topics.remove(topic);
  return measured;
}

/** Returns the number of messages of an aborted transaction that each client delivers with read_committed. */
async function abortedNotes(context: Context, clients: Clients): Promise<string[]> {
  const topic = await context.topics.makeNew(1);
  await publishAborted(context, topic);
  const end = await endOf(context, topic);
  const notes: string[] = [];
  for (const client of CLIENTS) {
    const { printed } = await runClient(context, clients, client, ['read', topic, end]);
    notes.push(
      `Of a topic with ${ABORTED.messages} messages of an aborted transaction and one committed message, ${client} delivers ${printed.messages}, read_committed.`,
    );
    context.say(`  ${notes.at(-1) ?? ''}`);
  }
  return notes;
}

async function publishAborted({ topics }: Context, topic: string): Promise<void> {
  const client = new kafkajs.Kafka({ brokers: [topics.broker], logLevel: kafkajs.logLevel.ERROR });
  const producer = client.producer({
    transactionalId: `aborted-${topic}`,
    maxInFlightRequests: 1,
    idempotent: true,
  });
  await producer.connect();
  const aborted = await producer.transaction();
  const messages = Array.from({ length: ABORTED.atOnce }, () => ({ value: Buffer.alloc(ABORTED.bytes) }));
  for (let sent = 0; sent < ABORTED.messages; sent += ABORTED.atOnce) await aborted.send({ topic, messages });
  await aborted.abort();
  const committed = await producer.transaction();
  await committed.send({ topic, messages: [{ value: Buffer.alloc(1) }] });
  await committed.commit();
  await producer.disconnect();
}

async function endOf({ topics }: Context, topic: string): Promise<string> {
  const [partition] = await topicOffsets(
    { brokers: [topics.broker], logger: pino({ level: 'silent' }) },
    topic,
  );
  return partition?.end ?? '0';
}

/** Runs a client's program. @param words Its arguments, without the broker. */
async function runClient(
  { stack, topics, folder }: Context,
  clients: Clients,
  client: ClientName,
  [job = '', ...words]: readonly string[],
): Promise<{ measured: Measured; printed: z.infer<typeof Printed> }> {
  const other = clients[client];
  const own = ['--import', import.meta.resolve('tsx'), join(PEERS, 'ours.ts')];
  const args = other === undefined ? own : [join(PEERS, `${client}.js`), other.folder];
  const { measured, stdout } = await runMeasured(stack, {
    program: other?.node ?? process.execPath,
    args: [...args, job, topics.broker, ...words],
    folder: join(folder, client),
  });
  const printed = Printed.parse(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''));
  const { seconds, cpuSeconds, peakBytes } = printed;
  return { measured: { ...measured, seconds, cpuSeconds, peakBytes }, printed };
}
