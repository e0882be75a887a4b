/** The timeouts of an exchange, in milliseconds. */
export interface Timeouts {
  /** Connecting, including the TLS handshake. */
  readonly connectMs: number;
  /** From the end of the request to the first byte of the answer. */
  readonly answerMs: number;
  /** Without progress while a body is sent or received. */
  readonly idleMs: number;
  /** The whole exchange, plus `exchangeMsPerMiB` for each MiB sent or received. */
  readonly exchangeMs: number;
  /** 1,000 allows for 1 MiB/s. */
  readonly exchangeMsPerMiB: number;
}

/** The default timeouts. */
export const DEFAULT_TIMEOUTS: Timeouts = {
  connectMs: 5_000,
  answerMs: 30_000,
  idleMs: 30_000,
  exchangeMs: 120_000,
  exchangeMsPerMiB: 1_000,
};

/** The phase of an exchange that a timer bounds. */
export type Phase = 'connect' | 'answer' | 'send' | 'receive';

/** The timeout of each phase and its error message. */
const PHASES: Readonly<Record<Phase, { limit: keyof Timeouts; late: string }>> = {
  connect: { limit: 'connectMs', late: 'accepted no connection' },
  answer: { limit: 'answerMs', late: 'gave no answer' },
  send: { limit: 'idleMs', late: 'accepted no more of the body' },
  receive: { limit: 'idleMs', late: 'sent no more of its answer' },
};

const MIB = 2 ** 20;

/** The timers of one exchange: one for its current phase, and one for the whole. */
export class ExchangeTimers {
  readonly #timeouts: Timeouts;
  readonly #onTimeout: (late: string, limitMs: number) => void;
  #phase: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;

  /** @param onTimeout Called with what the server failed to do and the timeout that expired, in milliseconds. */
  constructor(timeouts: Timeouts, onTimeout: (late: string, limitMs: number) => void) {
    this.#timeouts = timeouts;
    this.#onTimeout = onTimeout;
  }

  /** Starts the timer of a phase, which replaces the previous one. */
  startPhase(phase: Phase): void {
    const { limit, late } = PHASES[phase];
    const limitMs = this.#timeouts[limit];
    this.pausePhase();
    this.#phase = setTimeout(() => {
      this.#onTimeout(late, limitMs);
    }, limitMs);
  }

  /** Stops the timer of the phase until the next one starts. */
  pausePhase(): void {
    clearTimeout(this.#phase);
  }

  /** Starts the timer of the whole exchange, which replaces the previous one. */
  startDeadline(bytes: number): void {
    const { exchangeMs, exchangeMsPerMiB } = this.#timeouts;
    const limitMs = Math.ceil(exchangeMs + (bytes / MIB) * exchangeMsPerMiB);
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => {
      this.#onTimeout('was not done', limitMs);
    }, limitMs);
  }

  /** Stops both timers. */
  stop(): void {
    clearTimeout(this.#phase);
    clearTimeout(this.#deadline);
  }
}
