import type { FaultInput } from '../../simulator/faults.ts';
import { Random } from '../../simulator/random.ts';
import type { ProxyFault } from '../support/faults-proxy.ts';
import { API, type KafkaFault } from '../support/kafka-proxy.ts';

/** Processes that can be killed or paused. */
export const VICTIMS = ['worker one', 'worker two', 'temporal', 'kafka', 'namenode', 'datanode'] as const;
export type Victim = (typeof VICTIMS)[number];

/** A fault and its parameters. */
export type Act =
  | { readonly act: 'kill' | 'freeze'; readonly victim: Victim }
  | { readonly act: 'safe mode' }
  | {
      readonly act: 'hdfs';
      readonly server: 'nameNode' | 'dataNode';
      /** Operation of the requests that it applies to, such as `RENAME`. */
      readonly operation: string;
      readonly fault: ProxyFault;
      readonly times: number;
    }
  | {
      readonly act: 'kafka';
      readonly request: keyof typeof API;
      readonly fault: KafkaFault;
      readonly times: number;
    }
  | { readonly act: 'customer'; readonly fault: FaultInput };

/** A planned fault. */
export interface PlannedFault {
  /** Pause after the previous fault has ended. */
  readonly afterSeconds: number;
  /** Time that the victim is down or paused, or that the fault waits for a request. */
  readonly seconds: number;
  readonly act: Act;
}

/** A run to start. The numbers of windows and versions are counted by the plan. */
export interface PlannedRun {
  readonly source: 'feed' | 'second' | 'file' | 'others';
  readonly by: 'client' | 'command';
  /** Whether it repeats the request of an earlier run. */
  readonly again: boolean;
}

/** Runs that start at the same time. */
export interface PlannedStart {
  readonly afterSeconds: number;
  readonly runs: readonly PlannedRun[];
}

/** End of a producer's transaction. `abandon`: the producer disappears in the middle of it. */
export type Ending = 'plain' | 'commit' | 'abort' | 'abandon';

/** Records that another producer sends to the shared topic at once. */
export interface PlannedSend {
  readonly afterSeconds: number;
  readonly count: number;
  readonly ending: Ending;
}

/** Minimum and maximum seconds between two faults. */
export type SecondsRange = readonly [from: number, to: number];

/** Seeds of the plan's parts, which are independent: each part is the same however they interleave. */
const STREAMS = { faults: 1, runs: 2, sends: 3 } as const;

const LONGEST_SECONDS = 12;
/** Longer than the 30 s after which a host counts as lost. */
const GONE_SECONDS = 40;

/** Generates faults without end. */
export function* plannedFaults(seed: number, [from, to]: SecondsRange): Generator<PlannedFault, never> {
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
    const fault = pick<ProxyFault>(random, [
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
  const fault = pick<ProxyFault>(random, [
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

function exception(name: string): ProxyFault {
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

/** Generates runs without end: single ones, and several at once. */
export function* plannedStarts(seed: number, [, to]: SecondsRange): Generator<PlannedStart, never> {
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

/** Generates the sends of other producers, without end. */
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

/** Returns the name of a fault in the report. */
export function describeAct(act: Act): string {
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
