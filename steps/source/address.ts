import type { HttpAccess } from '../../adapters/http/source.ts';
import { PipelineError } from '../../model/errors.ts';
import { secretOf } from '../../model/secrets.ts';
import type { SourceSettings } from '../../model/settings.ts';

/** The source and the interval to request. */
export interface SourceRequest {
  readonly source: string;
  readonly from?: string;
  readonly to?: string;
}

/**
 * Returns the options of a request to a source's server.
 * @param url The source's url, with the interval filled in.
 * @throws {PipelineError} SETTINGS_INVALID if the token's environment variable is not set.
 */
export function accessOf(name: string, source: SourceSettings, url: string): HttpAccess {
  const { allowCleartext, redirectHosts, allowAddresses } = source;
  const token = tokenOf(name, source);
  return { url, subject: `source ${name}`, token, allowCleartext, redirectHosts, allowAddresses };
}

/**
 * Returns a source's bearer token; undefined if it has none.
 * @throws {PipelineError} SETTINGS_INVALID if its environment variable is not set or is no valid header value.
 */
function tokenOf(name: string, { tokenVariable }: SourceSettings): string | undefined {
  if (tokenVariable === undefined) return undefined;
  const token = secretOf(tokenVariable, `the token of source ${name}`);
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new PipelineError(
    'SETTINGS_INVALID',
    `the environment variable ${tokenVariable} holds a character that no token of source ${name} can have, perhaps a space or a line break`,
  );
}

/**
 * Returns a source's URL with `{from}` and `{to}` replaced.
 * @throws {PipelineError} SETTINGS_INVALID if the request lacks one of them, or the result is no valid URL.
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
  if (URL.canParse(filled)) return new URL(filled);
  throw new PipelineError(
    'SETTINGS_INVALID',
    `source ${request.source}: with the interval of the run its url is no URL`,
  );
}
