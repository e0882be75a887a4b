import { setTimeout as sleep } from 'node:timers/promises';
import { API } from '../support/kafka-proxy.ts';
import type { Customers } from './customers.ts';
import { describeAct, type Act, type PlannedFault } from './plan.ts';
import type { SoakServers } from './servers.ts';

/** Milliseconds that a fault waits longer for a matching request. */
const MEET_SECONDS = 15;

/** Patterns of WebHDFS requests, by operation. */
function requestsOf(operation: string): RegExp {
  return new RegExp(`op=${operation}\\b`);
}

/** Applies faults, one at a time, and counts those that took effect. */
export class SoakFaults {
  /** By name: the faults applied, and, of those that need a request, the ones that met one. */
  readonly done = new Map<string, { planned: number; met: number }>();
  readonly #servers: SoakServers;
  readonly #customers: Customers;

  constructor(servers: SoakServers, customers: Customers) {
    this.#servers = servers;
    this.#customers = customers;
  }

  /** Applies a fault, waits, and ends it; at once when the signal is aborted. */
  async carryOut({ act, seconds }: PlannedFault, signal: AbortSignal): Promise<void> {
    const hasMet = await this.#begin(act);
    await pause(seconds, signal);
    for (let more = 0; more < MEET_SECONDS && !hasMet() && !signal.aborted; more += 1) await pause(1, signal);
    const name = describeAct(act);
    const count = this.done.get(name) ?? { planned: 0, met: 0 };
    this.done.set(name, { planned: count.planned + 1, met: count.met + (hasMet() ? 1 : 0) });
    await this.#end(act);
  }

  /** @returns Whether the fault has taken effect by now. */
  async #begin(act: Act): Promise<() => boolean> {
    const { hdfs, kafkaProxy, platform } = this.#servers;
    switch (act.act) {
      case 'kill':
        await this.#servers.kill(act.victim);
        return always;
      case 'freeze':
        await this.#servers.freeze(act.victim);
        return always;
      case 'safe mode':
        await this.#servers.safeMode('enter');
        return always;
      case 'hdfs': {
        const proxy = hdfs[act.server];
        for (let time = 0; time < act.times; time += 1) proxy.plan(requestsOf(act.operation), act.fault);
        return () => proxy.unused < act.times;
      }
      case 'kafka':
        for (let time = 0; time < act.times; time += 1) kafkaProxy.plan(API[act.request], act.fault);
        return () => kafkaProxy.unused < act.times;
      case 'customer': {
        if (act.fault.kind === 'changed') this.#customers.changes.begun += 1;
        const before = new Set(platform.requests);
        platform.arm(act.fault);
        return () => platform.requests.some((one) => one.fault === act.fault.kind && !before.has(one));
      }
    }
  }

  async #end(act: Act): Promise<void> {
    const { hdfs, kafkaProxy, platform } = this.#servers;
    switch (act.act) {
      case 'kill':
        return this.#servers.restart(act.victim);
      case 'freeze':
        return this.#servers.thaw(act.victim);
      case 'safe mode':
        return this.#servers.safeMode('leave');
      case 'hdfs':
        // Also clears the proxies' lists of requests, which would grow for as long as the soak runs.
        hdfs.clear();
        return;
      case 'kafka':
        kafkaProxy.clear();
        return;
      case 'customer':
        platform.disarm();
        if (act.fault.kind === 'changed') this.#customers.changes.ended += 1;
    }
  }
}

async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  await sleep(seconds * 1000, undefined, { signal }).catch(() => undefined);
}

function always(): boolean {
  return true;
}
