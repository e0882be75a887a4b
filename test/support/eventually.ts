import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until a condition holds. Fails with its description when it does not within `timeoutMs`. */
export async function eventually(
  description: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs = 30_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`did not happen within ${timeoutMs} ms: ${description}`);
    await sleep(50);
  }
}
