interface Waiting {
  readonly bytes: number;
  readonly begin: () => void;
}

/** Bounds the memory of work that shares it: a semaphore that counts bytes. */
export class ByteBudget {
  readonly #bytes: number;
  #used = 0;
  readonly #waiting: Waiting[] = [];

  /** @param bytes How many may be in use at once. */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /**
   * Runs work once as many bytes are free, first come, first served. Work must not wait for other work of the budget.
   * @param bytes What it needs at most; more than all there are count as all.
   */
  async use<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    const wanted = Math.min(bytes, this.#bytes);
    await new Promise<void>((begin) => {
      this.#waiting.push({ bytes: wanted, begin });
      this.#beginNext();
    });
    try {
      return await work();
    } finally {
      this.#used -= wanted;
      this.#beginNext();
    }
  }

  #beginNext(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#used + next.bytes > this.#bytes) return;
      this.#used += next.bytes;
      this.#waiting.shift();
      next.begin();
    }
  }
}
