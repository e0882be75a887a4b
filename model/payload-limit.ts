import { defaultPayloadConverter } from '@temporalio/common';
import { formatNumber } from './figures.ts';

/**
 * How many bytes an activity or a workflow may hand to Temporal at once. Temporal terminates a run for 2 MiB, and takes
 * 4 MiB in one answer of a worker, which can begin two activities.
 */
export const MAX_PAYLOAD_BYTES = 1_500_000;

/**
 * Returns why Temporal cannot be given some values together; undefined where it can.
 * @param what Names what they are, as `the result of the activity plan`.
 */
export function whyTooLarge(what: string, values: readonly unknown[]): string | undefined {
  const bytes = values.reduce<number>((sum, value) => sum + bytesOf(value), 0);
  return bytes <= MAX_PAYLOAD_BYTES
    ? undefined
    : `${what} has ${formatNumber(bytes)} bytes, more than the ${formatNumber(MAX_PAYLOAD_BYTES)} that a run may hand on`;
}

function bytesOf(value: unknown): number {
  return defaultPayloadConverter.toPayload(value).data?.length ?? 0;
}
