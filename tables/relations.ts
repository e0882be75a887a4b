import { ATTEMPT } from '../model/attempt.ts';
import { structureOf } from './structure.ts';
import { MESSAGE_COLUMN_LIST } from './table.ts';

/** The relations of a batch that the tables' SELECTs name, still empty; and the macro that they use. */
export const MESSAGE_RELATIONS = `
  CREATE MACRO from_epoch(seconds) AS
    make_timestamp((seconds::DECIMAL(20, 6) * 1000000)::BIGINT)::TIMESTAMPTZ;
  CREATE TABLE messages (
    source VARCHAR, kafka_topic VARCHAR, kafka_partition INTEGER, kafka_offset BIGINT, published_at TIMESTAMPTZ,
    key BLOB, headers VARCHAR, payload VARCHAR);
  CREATE TABLE quarantined (
    source VARCHAR, kafka_topic VARCHAR, kafka_partition INTEGER, kafka_offset BIGINT, published_at TIMESTAMPTZ,
    key BLOB, headers VARCHAR, payload BLOB,
    step VARCHAR, chunk VARCHAR, chunk_position BIGINT, path VARCHAR, reason VARCHAR);`;

/**
 * Fills `parsed` and `parsed_questions` from `messages`, in the order of their offsets, whatever order they were read in: so the
 * same batch makes the same files.
 */
export const PARSE_MESSAGES = `
  CREATE TABLE parsed AS
    SELECT source, kafka_topic, kafka_partition, kafka_offset, published_at,
      json_transform(payload, '${structureOf(ATTEMPT)}') AS a
    FROM messages ORDER BY kafka_partition, kafka_offset;
  CREATE VIEW parsed_questions AS
    SELECT source, ${MESSAGE_COLUMN_LIST},
      unnest(a.sequences.questions) AS q,
      (generate_subscripts(a.sequences.questions, 1) - 1)::INTEGER AS question_position
    FROM parsed`;
