import { ATTEMPT } from '../model/attempt.ts';
import { structureOf } from './structure.ts';
import { MESSAGE_COLUMN_LIST } from './table.ts';

/** Seconds since 1970 as a decimal: eleven digits of seconds and six after the point fit. */
const SECONDS = 'seconds::DECIMAL(18, 6)';

/**
 * The relations of a batch that the tables' SELECTs name, still empty; and the macro that they use. It takes the whole
 * seconds and the rest apart, since DuckDB has no fast way with decimals of more than 18 digits, as their sum in
 * microseconds would be one.
 */
export const MESSAGE_RELATIONS = `
  CREATE MACRO from_epoch(seconds) AS make_timestamp(
    trunc(${SECONDS})::BIGINT * 1000000 +
    ((${SECONDS} - trunc(${SECONDS}))::DECIMAL(7, 6) * 1000000::DECIMAL(7, 0))::BIGINT
  )::TIMESTAMPTZ;
  CREATE TABLE taken (
    source VARCHAR, kafka_topic VARCHAR, kafka_partition INTEGER, kafka_offset BIGINT, published_at TIMESTAMPTZ,
    key BLOB, headers VARCHAR, payload BLOB, is_plain BOOLEAN);
  CREATE VIEW messages AS
    SELECT source, ${MESSAGE_COLUMN_LIST}, key, headers, decode(payload) AS payload FROM taken;
  CREATE TABLE quarantined (
    source VARCHAR, kafka_topic VARCHAR, kafka_partition INTEGER, kafka_offset BIGINT, published_at TIMESTAMPTZ,
    key BLOB, headers VARCHAR, payload BLOB,
    step VARCHAR, chunk VARCHAR, chunk_position BIGINT, path VARCHAR, reason VARCHAR);`;

/**
 * Makes `parsed` and `parsed_questions` of `messages`, in their order. Then `messages` is no more: both would take
 * twice the memory.
 */
export const PARSE_MESSAGES = `
  CREATE TABLE parsed AS
    SELECT source, kafka_topic, kafka_partition, kafka_offset, published_at,
      json_transform(payload, '${structureOf(ATTEMPT)}') AS a
    FROM messages;
  CREATE VIEW parsed_questions AS
    SELECT source, ${MESSAGE_COLUMN_LIST},
      unnest(a.sequences.questions) AS q,
      (generate_subscripts(a.sequences.questions, 1) - 1)::INTEGER AS question_position
    FROM parsed;
  DROP VIEW messages;
  DROP TABLE taken`;
