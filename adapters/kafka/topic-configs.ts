import kafkajs, { type Admin } from 'kafkajs';
import { PipelineError } from '../../model/errors.ts';

/**
 * Reads settings of a topic.
 * @throws {PipelineError} KAFKA_REFUSED if the broker does not tell one of them.
 */
export async function readConfigs(
  admin: Admin,
  topic: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const asked = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: [...names] };
  const { resources } = await admin.describeConfigs({ resources: [asked], includeSynonyms: false });
  const [found] = resources;
  const values = new Map(
    (found?.configEntries ?? []).map(({ configName, configValue }) => [configName, configValue]),
  );
  const missing = names.find((name) => !values.has(name));
  if (missing === undefined) return values;
  throw new PipelineError(
    'KAFKA_REFUSED',
    `topic ${topic} does not tell its ${missing}: ${found?.errorMessage ?? 'there is no such setting'}`,
  );
}

/**
 * Returns a setting that {@link readConfigs} read, as a whole number.
 * @throws {PipelineError} KAFKA_REFUSED if it is no number.
 */
export function configNumber(topic: string, configs: ReadonlyMap<string, string>, name: string): number {
  const value = configs.get(name) ?? '';
  if (/^-?\d+$/.test(value)) return Number(value);
  throw new PipelineError('KAFKA_REFUSED', `topic ${topic} tells ${JSON.stringify(value)} as its ${name}`);
}
