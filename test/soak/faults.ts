import { setTimeout as sleep } from 'node:timers/promises';
import { API } from '../support/kafka-proxy.ts';
import type { Customers } from './customers.ts';
import { nameOf, type Act, type PlannedFault } from './plan.ts';
import type { SoakServers } from './servers.ts';

/** How much longer a harm waits for a request to meet. */
const MEET_SECONDS = 15;

/** Which requests of WebHDFS an operation is. */
function requestsOf(operation: string): RegExp {
  return new RegExp(`op=${operation}\\b`);
}

/** Carries faults out, one at a time, and counts those that did harm. */
export class Faults {
  /** By name: how many were done, and, of those that wait for a request, how many met one. */
  readonly done = new Map<string, { planned: number; met: number }>();
  readonly #servers: SoakServers;
  readonly #customers: Customers;

  constructor(servers: SoakServers, customers: Customers) {
    this.#servers = servers;
    this.#customers = customers;
  }

  /** Does a fault, waits, and mends it. When the signal is aborted it is mended at once. */
  async carryOut({ act, seconds }: PlannedFault, signal: AbortSignal): Promise<void> {
    const hasMet = await this.#begin(act);
    await pause(seconds, signal);
    for (let more = 0; more < MEET_SECONDS && !hasMet() && !signal.aborted; more += 1) await pause(1, signal);
    const name = nameOf(act);
    const count = this.done.get(name) ?? { planned: 0, met: 0 };
    this.done.set(name, { planned: count.planned + 1, met: count.met + (hasMet() ? 1 : 0) });
    await this.#end(act);
  }

  /** @returns Whether it has done harm by now. */
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
        // Also what the proxies have noted of the requests, which would grow for as long as the soak goes on.
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
