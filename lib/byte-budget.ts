interface Waiting {
  readonly bytes: number;
  readonly begin: () => void;
}

/** Bounds the memory of work that shares it: a semaphore that counts bytes. */
export class ByteBudget {
  readonly #bytes: number;
  #used = 0;
  readonly #waiting: Waiting[] = [];

  /** @param bytes The maximum number of bytes in use at once. */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /**
   * Runs work once enough bytes are free, first in, first out. Work must not wait for other work of the same budget:
   * that would be a deadlock.
   * @param bytes The maximum that the work uses; capped at the size of the budget.
   */
  async use<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    const wanted = Math.min(bytes, this.#bytes);
    await new Promise<void>((begin) => {
      this.#waiting.push({ bytes: wanted, begin });
      this.#startNext();
    });
    try {
      return await work();
    } finally {
      this.#used -= wanted;
      this.#startNext();
    }
  }

  #startNext(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#used + next.bytes > this.#bytes) return;
      this.#used += next.bytes;
      this.#waiting.shift();
      next.begin();
    }
  }
}
