/**
 * The task queue of one host, for the activities that need what is staged on its disk.
 * @param shared The task queue that all workers share.
 */
export function hostTaskQueue(shared: string, hostId: string): string {
  return `${shared}@${hostId}`;
}
