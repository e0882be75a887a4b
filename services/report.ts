import Table from 'cli-table3';
import type { ServiceStatus } from './server.ts';

/** For programs: an array with an object a server. */
export function statusJson(statuses: readonly ServiceStatus[]): string {
  return JSON.stringify(statuses, null, 2);
}

/** For people: a row a server, and below what is wrong with which. */
export function statusTable(statuses: readonly ServiceStatus[]): string {
  const table = new Table({
    head: ['server', 'health', 'pid', 'addresses', 'log'],
    style: { head: [], border: [] },
  });
  for (const { name, health, pid, addresses, log } of statuses) {
    const reached = Object.entries(addresses).map(([use, address]) => `${use} ${address}`);
    table.push([name, health, pid ?? '', reached.join('\n'), log]);
  }
  const reasons = statuses.flatMap(({ name, reason }) =>
    reason === undefined ? [] : [`${name}: ${reason}`],
  );
  return [table.toString(), ...reasons].join('\n');
}
