import type { FaultInput } from '../../simulator/faults.ts';
import { Random } from '../../simulator/random.ts';
import type { Fault } from '../support/faults-proxy.ts';
import { API, type KafkaFault } from '../support/kafka-proxy.ts';

/** Who can be killed or frozen. */
export const VICTIMS = ['worker one', 'worker two', 'temporal', 'kafka', 'namenode', 'datanode'] as const;
export type Victim = (typeof VICTIMS)[number];

/** A fault, as it is carried out. */
export type Act =
  | { readonly act: 'kill' | 'freeze'; readonly victim: Victim }
  | { readonly act: 'safe mode' }
  | {
      readonly act: 'hdfs';
      readonly server: 'nameNode' | 'dataNode';
      /** Which requests it harms, as `RENAME`. */
      readonly operation: string;
      readonly fault: Fault;
      readonly times: number;
    }
  | {
      readonly act: 'kafka';
      readonly request: keyof typeof API;
      readonly fault: KafkaFault;
      readonly times: number;
    }
  | { readonly act: 'customer'; readonly fault: FaultInput };

/** A fault of the plan. */
export interface PlannedFault {
  /** After the one before has ended. */
  readonly afterSeconds: number;
  /** How long the victim is down or frozen, or the harm waits for a request to meet. */
  readonly seconds: number;
  readonly act: Act;
}

/** A run to start. The number of its window or version is counted as the plan goes. */
export interface PlannedRun {
  readonly source: 'feed' | 'second' | 'file' | 'others';
  readonly by: 'client' | 'command';
  /** Whether it asks for what an earlier run asked for. */
  readonly again: boolean;
}

/** Runs that are started at once. */
export interface PlannedStart {
  readonly afterSeconds: number;
  readonly runs: readonly PlannedRun[];
}

/** How a producer ends what it sends. `abandon`: it goes away in the middle of a transaction. */
export type Ending = 'plain' | 'commit' | 'abort' | 'abandon';

/** What another producer sends to the shared topic at once. */
export interface PlannedSend {
  readonly afterSeconds: number;
  readonly count: number;
  readonly ending: Ending;
}

/** From and to how many seconds lie between two faults. */
export type Pace = readonly [from: number, to: number];

/** Each part of the plan has random numbers of its own: the same, however the parts meet in time. */
const STREAMS = { faults: 1, runs: 2, sends: 3 } as const;

const LONGEST_SECONDS = 12;
/** Long enough for a host to be taken for gone (30 s). */
const GONE_SECONDS = 40;

/** Faults without end. */
export function* plannedFaults(seed: number, [from, to]: Pace): Generator<PlannedFault, never> {
  const random = new Random(seed, STREAMS.faults);
  for (;;) {
    const act = actOf(random);
    const isGone = act.act === 'kill' && act.victim.startsWith('worker') && to > GONE_SECONDS / 4;
    yield {
      act,
      seconds: isGone && random.chance(0.15) ? GONE_SECONDS : 1 + random.below(Math.min(to, LONGEST_SECONDS)),
      afterSeconds: from + random.below(to - from + 1),
    };
  }
}

function actOf(random: Random): Act {
  const kind = pick(random, ['kill', 'freeze', 'hdfs', 'hdfs', 'kafka', 'kafka', 'customer', 'safe mode']);
  if (kind === 'kill' || kind === 'freeze') return { act: kind, victim: pick(random, VICTIMS) };
  if (kind === 'safe mode') return { act: kind };
  if (kind === 'customer') return { act: kind, fault: customerFault(random) };
  const times = 1 + random.below(3);
  if (kind === 'hdfs') return { act: kind, times, ...hdfsFault(random) };
  const requests = Object.keys(API) as (keyof typeof API)[];
  const harm = pick<'swallow-answer' | 'cut' | 'freeze'>(random, ['swallow-answer', 'cut', 'freeze']);
  return { act: 'kafka', times, request: pick(random, requests), fault: { kind: harm } };
}

function hdfsFault(random: Random): Pick<Act & { act: 'hdfs' }, 'server' | 'operation' | 'fault'> {
  const afterBytes = random.below(2_000);
  if (random.chance(0.4)) {
    const fault = pick<Fault>(random, [
      { kind: 'reset' },
      { kind: 'cut-request', afterBytes },
      { kind: 'freeze-request', afterBytes },
      { kind: 'swallow-answer' },
      { kind: 'cut-answer', afterBytes },
      { kind: 'freeze-answer', afterBytes },
      { kind: 'delay-answer', ms: 4_000 },
    ]);
    return { server: 'dataNode', operation: pick(random, ['CREATE', 'OPEN', 'GETFILECHECKSUM']), fault };
  }
  const operation = pick(random, [
    'CREATE',
    'RENAME',
    'RENAME',
    'OPEN',
    'LISTSTATUS',
    'GETFILESTATUS',
    'DELETE',
  ]);
  const fault = pick<Fault>(random, [
    { kind: 'reset' },
    { kind: 'freeze' },
    { kind: 'swallow-answer' },
    { kind: 'swallow-answer' },
    { kind: 'cut-answer', afterBytes: random.below(20) },
    { kind: 'delay-answer', ms: 4_000 },
    {
      kind: 'answer',
      status: 200,
      body: '{"boolean":false}',
      headers: { 'Content-Type': 'application/json' },
    },
    exception('StandbyException'),
    exception('AccessControlException'),
  ]);
  return { server: 'nameNode', operation, fault };
}

function exception(name: string): Fault {
  const body = JSON.stringify({ RemoteException: { exception: name, message: 'as planned' } });
  return { kind: 'answer', status: 403, body, headers: { 'Content-Type': 'application/json' } };
}

function customerFault(random: Random): FaultInput {
  const path = pick(random, ['/feed/attempts', '/second/attempts']);
  const times = 1 + random.below(2);
  return pick<FaultInput>(random, [
    { kind: 'cut', bytes: random.below(50_000), path, times },
    { kind: 'status', status: pick(random, [500, 503, 404]), path, times },
    { kind: 'busy', retryAfterSeconds: 2, path, times },
    { kind: 'slow', bytesPerSecond: 30_000, path, times },
    { kind: 'stall', path },
    { kind: 'html', path },
    { kind: 'truncated-gzip', path, times },
    { kind: 'changed', path },
  ]);
}

/** Runs without end: one after the other, and several at once. */
export function* plannedStarts(seed: number, [, to]: Pace): Generator<PlannedStart, never> {
  const random = new Random(seed, STREAMS.runs);
  for (;;) {
    const count = pick(random, [1, 1, 1, 2, 2, 4]);
    const runs = Array.from({ length: count }, () => ({
      source: pick<PlannedRun['source']>(random, ['feed', 'feed', 'second', 'file', 'others']),
      by: random.chance(0.2) ? ('command' as const) : ('client' as const),
      again: random.chance(0.25),
    }));
    yield { runs, afterSeconds: 1 + random.below(Math.ceil(to / 2)) };
  }
}

/** What others send, without end. */
export function* plannedSends(seed: number): Generator<PlannedSend, never> {
  const random = new Random(seed, STREAMS.sends);
  for (;;) {
    yield {
      afterSeconds: 1 + random.below(4),
      count: 1 + random.below(60),
      ending: pick<Ending>(random, ['plain', 'plain', 'commit', 'commit', 'commit', 'abort', 'abandon']),
    };
  }
}

/** The name of a fault in the table of those done. */
export function nameOf(act: Act): string {
  switch (act.act) {
    case 'kill':
    case 'freeze':
      return `${act.act} ${act.victim.replace(/ (one|two)$/, '')}`;
    case 'safe mode':
      return 'NameNode in safe mode';
    case 'hdfs':
      return `HDFS: ${act.fault.kind}`;
    case 'kafka':
      return `Kafka: ${act.fault.kind}`;
    case 'customer':
      return `customer: ${act.fault.kind}`;
  }
}

function pick<Item>(random: Random, items: readonly Item[]): Item {
  const item = items[random.below(items.length)];
  if (item === undefined) throw new TypeError('nothing to pick from');
  return item;
}
