/** Bounds memory whose size is known only once it is in use: work starts while usage is low enough. */
export class MemoryGate {
  #used = 0;
  #waiting: (() => void)[] = [];

  /** Waits until at most `maxBytes` are in use, or none. A caller that holds memory must not wait: deadlock. */
  async pass(maxBytes: number): Promise<void> {
    while (this.#used > 0 && this.#used > maxBytes)
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
  }

  /**
   * Counts memory as in use.
   * @returns A function that releases it.
   */
  hold(bytes: number): () => void {
    this.#used += bytes;
    return () => {
      this.#used -= bytes;
      for (const resolve of this.#waiting.splice(0)) resolve();
    };
  }
}
