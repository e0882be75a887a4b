import { z } from 'zod';
import {
  MAX_ERASURE_REASON_LENGTH,
  MAX_PERSONS,
  MAX_REQUESTED_BY_LENGTH,
  PERSON_HASH,
  type EraseRequest,
  type EraseResult,
  type KafkaExpiry,
  type StartedErasure,
  type TableErasure,
} from '../model/erasure.ts';
import { NAME, TOPIC } from '../model/settings-values.ts';
import type { ErasureToRecord } from '../steps/erasure/record-erasure.ts';
import { TABLES } from '../tables/index.ts';
import type { EraseTableRequest } from './erase-table.ts';
import { COUNT, text, type SchemaShape } from './input-values.ts';

const TABLE = z.enum(TABLES.map(({ name }) => name));

const ERASURE = z.strictObject({
  source: NAME,
  number: z.int().min(1),
} satisfies SchemaShape<StartedErasure>);

const PERSONS_ASKED = {
  requestedBy: text(MAX_REQUESTED_BY_LENGTH).min(1),
  reason: text(MAX_ERASURE_REASON_LENGTH).min(1),
};

const RESULT = z.strictObject({
  source: NAME,
  persons: COUNT,
  messages: COUNT,
  records: COUNT,
  tables: z
    .array(
      z.strictObject({
        table: TABLE,
        rows: COUNT,
        files: COUNT,
        writtenBytes: COUNT,
        deletedFiles: COUNT,
      } satisfies SchemaShape<TableErasure>),
    )
    .max(TABLES.length),
  kafka: z
    .strictObject({ topic: TOPIC, until: z.iso.datetime().nullable() } satisfies SchemaShape<KafkaExpiry>)
    .nullable(),
} satisfies SchemaShape<EraseResult>);

/** The schemas of the inputs of the activities of an erasure. */
export const ERASURE_INPUTS = {
  suppress: z.strictObject({
    source: NAME,
    persons: z.array(z.string().regex(PERSON_HASH, 'must be a keyed hash')).min(1).max(MAX_PERSONS),
    ...PERSONS_ASKED,
  } satisfies SchemaShape<EraseRequest>),
  findMessages: ERASURE,
  eraseTable: z.strictObject({ table: TABLE, erasure: ERASURE } satisfies SchemaShape<EraseTableRequest>),
  kafkaExpiry: ERASURE,
  recordErasure: z.strictObject({
    erasure: ERASURE,
    result: RESULT,
    ...PERSONS_ASKED,
  } satisfies SchemaShape<ErasureToRecord>),
};
