import { stopStack } from '../services/stack.ts';
import { SERVICES_FOLDER, stop } from './processes.ts';

/** Stops what the demo started: the worker drains, the servers keep their data. */
export async function stopAll(say: (line: string) => void): Promise<void> {
  await stop(['worker', 'platform-pearson', 'platform-given']);
  await stopStack(SERVICES_FOLDER, say);
  say('everything is stopped; the data stays (npm run services -- reset deletes it)');
}
