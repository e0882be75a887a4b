import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { lastLines } from '../services/command.ts';
import type { ServiceName } from '../services/ports.ts';
import type { Stack } from '../services/stack.ts';
import { cpuSeconds, TreeMeter } from './processes.ts';

/** Processor seconds of each server that both sides use. */
export type ServerSeconds = Readonly<Record<Exclude<ServiceName, 'temporal'>, number>>;

/** Measurements of one run of one side. */
export interface Measured {
  readonly seconds: number;
  /** Processor seconds of the side's own processes. */
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  /** Null where the sides run at the same time. */
  readonly servers: ServerSeconds | null;
}

/** Starts to measure the shared servers. */
export class ServersMeter {
  readonly #stack: Stack;
  readonly #before: ServerSeconds;

  constructor(stack: Stack) {
    this.#stack = stack;
    this.#before = secondsOf(stack);
  }

  since(): ServerSeconds {
    const now = secondsOf(this.#stack);
    return {
      kafka: now.kafka - this.#before.kafka,
      namenode: now.namenode - this.#before.namenode,
      datanode: now.datanode - this.#before.datanode,
    };
  }
}

function secondsOf(stack: Stack): ServerSeconds {
  const of = (name: ServiceName): number => mustRun(name, cpuSeconds(mustRun(name, stack.service(name).pid)));
  return { kafka: of('kafka'), namenode: of('namenode'), datanode: of('datanode') };
}

/** Resources of a process while it runs. */
export function mustRun<T>(name: string, value: T | undefined): T {
  if (value === undefined) throw new TypeError(`${name} does not run any more`);
  return value;
}

/** A program to run to its end. */
export interface Program {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Working folder, and the folder of its standard error. */
  readonly folder: string;
  /** Whether its standard output is discarded. */
  readonly silent?: boolean;
}

/** Output and measurements of a program. */
export interface Ran {
  readonly measured: Measured;
  readonly stdout: string;
  /** In `performance.now()`. */
  readonly beganMs: number;
  readonly meter: TreeMeter;
}

/** Runs a program; if it fails, throws with the end of its standard error. */
export async function runMeasured(stack: Stack, asked: Program): Promise<Ran> {
  const { program, args, folder } = asked;
  await mkdir(folder, { recursive: true });
  const errors = join(folder, `${program.slice(program.lastIndexOf('/') + 1)}.stderr`);
  const servers = new ServersMeter(stack);
  const beganMs = performance.now();
  const child = spawn(program, args, {
    cwd: folder,
    env: { ...process.env, ...asked.env },
    stdio: ['ignore', asked.silent === true ? 'ignore' : 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  const [stdout, , meter] = [
    child.stdout === null ? '' : text(child.stdout),
    child.stderr?.pipe(createWriteStream(errors)),
    new TreeMeter(mustRun(program, child.pid)),
  ];
  const [code] = (await exited) as [number | null];
  meter.stop();
  const measured = {
    seconds: (performance.now() - beganMs) / 1000,
    cpuSeconds: meter.cpu,
    peakBytes: meter.peakBytes,
    servers: servers.since(),
  };
  if (code !== 0)
    throw new Error(`${program} ended with ${code ?? 'a signal'}:\n${await lastLines(errors, 15)}`);
  return { measured, stdout: await stdout, beganMs, meter };
}
