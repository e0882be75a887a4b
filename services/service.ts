import type { Command } from './command.ts';
import type { Progress } from './install.ts';
import type { ServiceName } from './ports.ts';

/** What is particular to one server; the rest is the same for all. */
export interface Service {
  readonly name: ServiceName;
  /** The ports that it listens on. */
  readonly ports: readonly number[];
  /** What people and programs reach it by, each with its use. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Installs, writes settings and formats as far as that is not done, and says what to run. Safe to repeat. */
  prepare(progress: Progress): Promise<Command>;
  /** Rejects with what is missing until the server does its work; takes a few seconds at most. */
  check(): Promise<void>;
}

/** The longest that one question of a {@link Service.check} waits for its answer. */
export const CHECK_MS = 2_000;

/** The longest that a server may take to be ready; on an idle machine the slowest takes about five seconds. */
export const READY_MS = 120_000;
