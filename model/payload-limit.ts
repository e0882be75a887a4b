import { defaultPayloadConverter } from '@temporalio/common';
import { formatNumber } from './figures.ts';

/**
 * The size limit of one payload, in bytes. Temporal terminates a workflow for a payload of 2 MiB, and accepts gRPC
 * messages of at most 4 MiB, in which a worker can schedule two activities.
 */
export const MAX_PAYLOAD_BYTES = 1_500_000;

/**
 * Returns why values exceed the payload limit together; undefined if they do not.
 * @param what Describes the values for the message, as `the result of the activity plan`.
 */
export function describeExcess(what: string, values: readonly unknown[]): string | undefined {
  const bytes = values.reduce<number>((sum, value) => sum + bytesOf(value), 0);
  return bytes <= MAX_PAYLOAD_BYTES
    ? undefined
    : `${what} has ${formatNumber(bytes)} bytes, more than the ${formatNumber(MAX_PAYLOAD_BYTES)} that a run may hand on`;
}

function bytesOf(value: unknown): number {
  return defaultPayloadConverter.toPayload(value).data?.length ?? 0;
}
