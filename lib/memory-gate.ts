/** Bounds memory whose size is known only once it is in use: more is begun while little enough of it is. */
export class MemoryGate {
  #used = 0;
  #waiting: (() => void)[] = [];

  /** Waits until at most so many bytes are in use, or none. Whoever holds some must not wait. */
  async pass(maxBytes: number): Promise<void> {
    while (this.#used > 0 && this.#used > maxBytes)
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
  }

  /**
   * Counts memory as in use.
   * @returns What ends that.
   */
  hold(bytes: number): () => void {
    this.#used += bytes;
    return () => {
      this.#used -= bytes;
      for (const resolve of this.#waiting.splice(0)) resolve();
    };
  }
}
