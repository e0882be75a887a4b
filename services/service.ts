import type { Command } from './command.ts';
import type { Progress } from './install.ts';
import type { ServiceName } from './ports.ts';

/** The specifics of one server. */
export interface Service {
  readonly name: ServiceName;
  /** Ports that it listens on. */
  readonly ports: readonly number[];
  /** Addresses for people and programs, by use. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Installs, writes settings and formats where needed, and returns the command to run. Idempotent. */
  prepare(progress: Progress): Promise<Command>;
  /** Rejects with the reason until the server is ready; takes a few seconds at most. */
  check(): Promise<void>;
}

/** Timeout of one request of a {@link Service.check}, in milliseconds. */
export const CHECK_MS = 2_000;

/** Timeout of a server's start, in milliseconds; on an idle machine the slowest takes about five seconds. */
export const READY_MS = 120_000;
