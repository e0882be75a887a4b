/** The length limit of a file name in common file systems, in bytes. */
const MAX_NAME_BYTES = 255;

/** `@` and a run id, which is a UUID. */
const RUN_ID_BYTES = 37;

/** The length limit of a run's workflow id, URL-encoded. */
export const MAX_ENCODED_WORKFLOW_ID = MAX_NAME_BYTES - RUN_ID_BYTES;

/** Returns the name of the staging folder of a workflow execution, in ASCII. */
export function runFolderName(workflowId: string, runId: string): string {
  return `${encodeURIComponent(workflowId)}@${runId}`;
}

/** Returns why a workflow id is too long for the name of its staging folder; undefined if it is not. */
export function workflowIdFault(workflowId: string): string | undefined {
  const { length } = encodeURIComponent(workflowId);
  return length <= MAX_ENCODED_WORKFLOW_ID
    ? undefined
    : `has a workflow id of ${length} characters, encoded as in a URL; at most ${MAX_ENCODED_WORKFLOW_ID} are allowed, ` +
        'since the run’s staging folder is named after it. Start the run with a shorter one';
}
