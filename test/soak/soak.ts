import { setTimeout as sleep } from 'node:timers/promises';
import { Customers } from './customers.ts';
import { SoakFaults } from './faults.ts';
import { SentLedger, type Balance } from './ledger.ts';
import { describeAct, plannedFaults, plannedSends, plannedStarts, type SecondsRange } from './plan.ts';
import { OtherProducer } from './producers.ts';
import { RecordStream } from './records.ts';
import { Runs } from './runs.ts';
import { SoakServers, TOPICS } from './servers.ts';

/** Seed of the other producers' records, distinct from those of the customers. */
const OTHERS_SEED = 3_000_000;
/** Limit of the runs that are open at once. */
const MAX_OPEN_RUNS = 8;
/** Timeout of the last runs: the last attempts of an activity are half a minute apart. */
const END_MS = 600_000;
/** By then Kafka has aborted open transactions of producers, which block everything after them. */
const SETTLED_MS = 60_000;

/** Options of a soak. */
export interface SoakOptions {
  readonly seed: number;
  readonly minutes: number;
  /** Seconds between two faults. */
  readonly pace: SecondsRange;
  /** Receives progress, a line at a time. */
  readonly say: (line: string) => void;
}

/** Result of a soak. */
export interface SoakReport extends Balance {
  readonly faults: SoakFaults['done'];
  readonly runs: number;
  readonly outcomes: Runs['outcomes'];
  readonly waited: Runs['waited'];
  /** Violations; empty when all is well. */
  readonly findings: readonly string[];
}

/**
 * Starts runs, producers and faults at once for the planned minutes, on servers of its own; then all runs end, and
 * the records that were sent are compared with those that landed.
 */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { say, seed } = options;
  say('starting servers and workers');
  const servers = await SoakServers.start(seed);
  try {
    return await new Soak(servers, options).run();
  } finally {
    await servers.stop();
  }
}

class Soak {
  readonly #servers: SoakServers;
  readonly #options: SoakOptions;
  readonly #ledger = new SentLedger();
  readonly #customers: Customers;
  readonly #runs: Runs;
  readonly #faults: SoakFaults;

  constructor(servers: SoakServers, options: SoakOptions) {
    this.#servers = servers;
    this.#options = options;
    const { pipeline } = servers;
    this.#customers = new Customers(this.#ledger, { seed: options.seed, folder: pipeline.folder });
    this.#runs = new Runs(pipeline, (result) => {
      this.#customers.note(result);
    });
    this.#faults = new SoakFaults(servers, this.#customers);
  }

  async run(): Promise<SoakReport> {
    const { minutes, say } = this.#options;
    const looking = new AbortController();
    const over = new AbortController();
    const looked = this.#runs.supervise(looking.signal);
    const timer = setTimeout(() => {
      over.abort();
    }, minutes * 60_000);
    try {
      await Promise.race([looked, this.#disturb(over.signal)]);
      say('the faults are over; all runs end');
      return await this.#report(await this.#settle());
    } finally {
      clearTimeout(timer);
      over.abort();
      looking.abort();
      await looked;
    }
  }

  /** Runs everything at once, until the signal is aborted. */
  async #disturb(over: AbortSignal): Promise<void> {
    await Promise.all([this.#breakThings(over), this.#startRuns(over), this.#sendOthers(over)]);
  }

  async #breakThings(over: AbortSignal): Promise<void> {
    for (const fault of plannedFaults(this.#options.seed, this.#options.pace)) {
      if (!(await pause(fault.afterSeconds, over))) return;
      this.#options.say(`${describeAct(fault.act)}, ${fault.seconds} s; ${this.#runs.open} runs go on`);
      await this.#faults.carryOut(fault, over);
    }
  }

  async #startRuns(over: AbortSignal): Promise<void> {
    const { seed, pace } = this.#options;
    for (const { afterSeconds, runs } of plannedStarts(seed, pace)) {
      if (!(await pause(afterSeconds, over))) return;
      while (this.#runs.open >= MAX_OPEN_RUNS) if (!(await pause(1, over))) return;
      const requests: [Parameters<Runs['start']>[0], 'client' | 'command'][] = [];
      for (const run of runs) requests.push([await this.#customers.requestOf(run), run.by]);
      await Promise.all(requests.map(([request, by]) => this.#runs.start(request, by)));
    }
  }

  async #sendOthers(over: AbortSignal): Promise<void> {
    const [shared] = TOPICS;
    const producer = new OtherProducer(this.#servers.pipeline, shared);
    const stream = new RecordStream(OTHERS_SEED + this.#options.seed, { lines: false });
    for (const { afterSeconds, count, ending } of plannedSends(this.#options.seed)) {
      if (!(await pause(afterSeconds, over))) return;
      const records = stream.take(count);
      const times = await producer.send(records, ending);
      this.#ledger.add(records, () => times);
    }
  }

  /** Waits for all runs, and starts one more per topic to land the messages after them. */
  async #lastRuns(): Promise<void> {
    await this.#runs.waitForAll(END_MS);
    for (const source of ['others', 'second'] as const) {
      const request = await this.#customers.requestOf({ source, by: 'client', again: false });
      await this.#runs.start(request, 'client');
      await this.#runs.waitForAll(END_MS);
    }
  }

  /** Lands the remaining messages, also those that become visible only now. Lost records stay lost. */
  async #settle(): Promise<Balance> {
    const deadline = Date.now() + SETTLED_MS;
    for (;;) {
      await this.#lastRuns();
      this.#options.say('comparing');
      const balance = await this.#ledger.compare(this.#servers.pipeline, TOPICS);
      if (balance.lost === 0 || Date.now() > deadline) return balance;
    }
  }

  async #report(balance: Balance): Promise<SoakReport> {
    const { pipeline } = this.#servers;
    const { code, stdout, stderr } = await pipeline.command('verify');
    const findings = [
      ...balance.examples,
      ...this.#runs.failures,
      ...this.#servers.endedWorkers().map((log) => `a worker ended by itself: ${log}`),
      ...(code === 0 ? [] : [`verify ended with ${code}:`, stdout, stderr]),
    ];
    const { count: runs, outcomes, waited } = this.#runs;
    return { ...balance, faults: this.#faults.done, runs, outcomes, waited, findings };
  }
}

/** Waits. @returns Whether the signal was not aborted meanwhile. */
async function pause(seconds: number, signal: AbortSignal): Promise<boolean> {
  await sleep(seconds * 1000, undefined, { signal }).catch(() => undefined);
  return !signal.aborted;
}
