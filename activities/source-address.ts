import { PipelineError } from '../model/errors.ts';
import { secretOf } from '../model/secrets.ts';
import type { SourceSettings } from '../model/settings.ts';

/** Which source, and which interval of it, to ask a customer for. */
export interface SourceRequest {
  readonly source: string;
  readonly from?: string;
  readonly to?: string;
}

/**
 * The bearer token to show to a customer's server; undefined where it asks for none.
 * @throws {PipelineError} SETTINGS_INVALID when its environment variable is not set.
 */
export function tokenOf(name: string, { tokenVariable }: SourceSettings): string | undefined {
  if (tokenVariable === undefined) return undefined;
  return secretOf(tokenVariable, `the token of source ${name}`);
}

/**
 * A source's url with the interval filled in.
 * @throws {PipelineError} SETTINGS_INVALID when the url wants an end of the interval that the request has not.
 */
export function urlOf(request: SourceRequest, source: SourceSettings): URL {
  const filled = (source.url ?? '').replaceAll(/\{(from|to)\}/g, (_, end: 'from' | 'to') => {
    const value = request[end];
    if (value !== undefined) return encodeURIComponent(value);
    throw new PipelineError(
      'SETTINGS_INVALID',
      `source ${request.source} wants {${end}}: start the run with --${end}`,
    );
  });
  return new URL(filled);
}
