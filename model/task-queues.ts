/**
 * Returns the task queue of one host, for activities that need the files staged on its disk.
 * @param shared The task queue that all workers share.
 */
export function hostTaskQueue(shared: string, hostId: string): string {
  return `${shared}@${hostId}`;
}
