import { ApplicationFailure, isCancellation } from '@temporalio/workflow';
import { messageOf, type ErrorCode } from '../model/errors.ts';
import { failureOf } from './activity-proxies.ts';

/** The table that a workflow works on, and why the work stopped. */
interface TableState {
  readonly table: string;
  /** Why the work on the table stopped early; null if it did not. */
  readonly failure: string | null;
}

/** The work of a workflow on one table, whose state is reported at each change. */
export class TableWork<State extends TableState> {
  #state: State;
  readonly #onChange: (state: State) => void;

  constructor(state: State, onChange: (state: State) => void) {
    this.#state = state;
    this.#onChange = onChange;
  }

  get state(): State {
    return this.#state;
  }

  change(change: Partial<State>): void {
    this.#set({ ...this.#state, ...change });
  }

  /** Runs the work, and adds its failure to the state; undefined if it failed. A cancellation is thrown. */
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (isCancellation(error)) throw error;
      const failure = failureOf(error)?.message ?? messageOf(error);
      this.#set({ ...this.#state, failure });
      return undefined;
    }
  }

  #set(state: State): void {
    this.#state = state;
    this.#onChange(state);
  }
}

/** @throws {ApplicationFailure} With the code, naming each table whose work failed. */
export function requireNoFailure(tables: readonly TableState[], code: ErrorCode): void {
  const faults = tables.flatMap(({ table, failure }) => (failure === null ? [] : [`${table}: ${failure}`]));
  if (faults.length > 0) throw ApplicationFailure.nonRetryable(faults.join('; '), code);
}
