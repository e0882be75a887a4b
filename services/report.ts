import Table from 'cli-table3';
import type { ServiceStatus } from './server.ts';

/** Formats statuses for programs: a JSON array with an object per server. */
export function statusJson(statuses: readonly ServiceStatus[]): string {
  return JSON.stringify(statuses, null, 2);
}

/** Formats statuses for people: a table with a row per server, followed by the reasons of failures. */
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
