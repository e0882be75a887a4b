import { z } from 'zod';
import { cleartextFault, isConfidential } from './confidential.ts';
import { hasNoLogin } from './settings-values.ts';

/** The settings of a source that decide whether and where a token is sent. */
interface SourceSecrets {
  readonly url?: string | undefined;
  readonly tokenVariable?: string | undefined;
  readonly allowCleartext?: boolean | undefined;
}

/** The schema of a source's URL. */
export const SOURCE_URL = z
  .url({ protocol: /^(https?|file)$/, error: 'must be a URL of http, https or file' })
  .refine(hasNoLogin, 'must hold no user or password: a token is named by tokenVariable');

/** Adds an issue for a token that would be sent without TLS to another host. */
export function requireConfidentialToken(
  { url, tokenVariable, allowCleartext }: SourceSecrets,
  context: z.RefinementCtx,
): void {
  if (tokenVariable === undefined || url === undefined || !URL.canParse(url)) return;
  const { protocol, hostname: host } = new URL(url);
  if (isConfidential({ host, tls: protocol !== 'http:', allowCleartext })) return;
  const message = cleartextFault({ secret: 'the token', host, setting: 'sources.NAME.allowCleartext' });
  context.addIssue({ code: 'custom', path: ['tokenVariable'], message });
}

/** Makes sure that no source has the topic of markers: its producers could forge them. */
export function requireOwnMarkerTopic(
  { kafka, sources }: { kafka: { markerTopic: string }; sources: Record<string, { topic: string }> },
  context: z.RefinementCtx,
): void {
  // Kafka treats both in the names of topics as the same.
  const plain = (topic: string): string => topic.replaceAll('.', '_');
  for (const [name, { topic }] of Object.entries(sources)) {
    if (plain(topic) !== plain(kafka.markerTopic)) continue;
    const message = `must not be kafka.markerTopic (${kafka.markerTopic}), which is for the markers alone`;
    context.addIssue({ code: 'custom', path: ['sources', name, 'topic'], message });
  }
}
