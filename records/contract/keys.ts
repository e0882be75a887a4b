/** Describes how the pipeline reads a key of the standard. */
export interface KeyRule {
  /** A refused key promises what the pipeline does not do, so that a contract with it is an error. */
  readonly treatment: 'honoured' | 'ignored' | 'refused';
  /** Its effect, or why it is refused. */
  readonly note: string;
  /** Values with which a refused key promises nothing. */
  readonly harmless?: readonly unknown[];
}

/** The elements of a contract, each with keys of its own. */
export type ElementKind = 'contract' | 'record' | 'property' | 'items' | 'options' | 'custom property';

type Rules = Readonly<Record<string, KeyRule>>;

function honoured(note: string): KeyRule {
  return { treatment: 'honoured', note };
}

function ignored(note: string): KeyRule {
  return { treatment: 'ignored', note };
}

function refused(note: string, harmless: readonly unknown[] = []): KeyRule {
  return { treatment: 'refused', note, harmless };
}

const DOCUMENTATION = ignored('For readers and catalogs.');
const OTHER_TOOLS = ignored('For other tools.');

/** Keys of every element that has a name. */
const OF_ELEMENTS: Rules = {
  id: DOCUMENTATION,
  authoritativeDefinitions: DOCUMENTATION,
  customProperties: honoured('See below.'),
  deprecated: DOCUMENTATION,
  quality: ignored('For other tools: the pipeline checks types and required fields only.'),
  relationships: ignored(
    'For other tools: a table’s rows refer to the enclosing row by message and position.',
  ),
  synonyms: DOCUMENTATION,
  tags: DOCUMENTATION,
};

/** Keys of fields, and of the items of arrays. */
const OF_FIELDS: Rules = {
  ...OF_ELEMENTS,
  classification: DOCUMENTATION,
  criticalDataElement: DOCUMENTATION,
  encryptedName: OTHER_TOOLS,
  enum: refused('Lists of values are not checked.'),
  examples: DOCUMENTATION,
  logicalType: honoured('The type: see below.'),
  logicalTypeOptions: honoured('See below.'),
  map: refused('Maps are not supported.'),
  partitionKeyPosition: refused('Tables are partitioned by source and day.', [-1]),
  partitioned: refused('Tables are partitioned by source and day.', [false]),
  physicalType: ignored('The type of a column follows from `logicalType`.'),
  semanticType: refused('A measure is no field of a record.', ['column', 'dimension']),
  transformDescription: DOCUMENTATION,
  transformLogic: refused('Values are stored unchanged; compute others in a view.'),
  transformSourceObjects: DOCUMENTATION,
  unique: refused(
    'Two records with one value both land; `primaryKey` makes views that have each record once.',
    [false],
  ),
};

/** The treatment of each key of the standard, by element. */
export const KEY_RULES: Readonly<Record<ElementKind, Rules>> = {
  contract: {
    apiVersion: honoured('The version of the standard: v3.2.0.'),
    authoritativeDefinitions: DOCUMENTATION,
    context: OTHER_TOOLS,
    contractCreatedTs: DOCUMENTATION,
    customProperties: honoured('None yet: see below.'),
    dataProduct: DOCUMENTATION,
    description: DOCUMENTATION,
    domain: DOCUMENTATION,
    id: DOCUMENTATION,
    kind: honoured('DataContract.'),
    name: honoured('The contract’s name: 1 to 63 of a-z, 0-9, `_` and `-`, beginning with a letter.'),
    price: DOCUMENTATION,
    roles: DOCUMENTATION,
    schema: honoured('The record: exactly one.'),
    servers: OTHER_TOOLS,
    slaDefaultElement: OTHER_TOOLS,
    slaProperties: OTHER_TOOLS,
    status: DOCUMENTATION,
    support: DOCUMENTATION,
    tags: DOCUMENTATION,
    team: DOCUMENTATION,
    tenant: DOCUMENTATION,
    version: honoured('The contract’s version: major, minor and patch, as `1.0.0`.'),
  },
  record: {
    ...OF_ELEMENTS,
    context: OTHER_TOOLS,
    businessName: honoured('A record in a word, as `attempt`; the record’s name if left out.'),
    dataGranularityDescription: honoured('What a row is, in the singular. Required.'),
    description: DOCUMENTATION,
    logicalType: honoured('`object`.'),
    name: honoured('The table’s name, in snake case, if there is no `physicalName`.'),
    physicalName: honoured('The table’s name.'),
    physicalType: DOCUMENTATION,
    properties: honoured('The fields of a record, in the order of the columns. Required.'),
  },
  property: {
    ...OF_FIELDS,
    businessName: DOCUMENTATION,
    description: honoured('The column’s comment.'),
    items: honoured('The items of an array, which are objects.'),
    name: honoured('The name of the field in the JSON.'),
    physicalName: honoured(
      'The name of the column, or of an array’s table. If left out: the path in snake case.',
    ),
    primaryKey: honoured(
      'Whether it identifies the record, with the other fields that have it: a required text of the record itself. The views `…_deduplicated` have each record of a source once.',
    ),
    primaryKeyPosition: honoured('Its position among several, from 1.'),
    properties: honoured('The fields of an object, whose columns are of the same table.'),
    required: honoured('Whether a message without it, or with null, is quarantined.'),
  },
  items: {
    ...OF_FIELDS,
    businessName: honoured(
      'An item in a word, as `question`, by which `question_position` is named; the array’s name if left out.',
    ),
    description: honoured('What a row is, in the singular. Required.'),
    items: refused('Arrays of arrays are not supported.'),
    name: DOCUMENTATION,
    physicalName: refused('An array’s table is named by the `physicalName` of the array.'),
    primaryKey: refused('Items are identified by their position.', [false]),
    primaryKeyPosition: refused('Items are identified by their position.', [-1]),
    properties: honoured('The fields of an item. Required.'),
    required: ignored('Items are always objects: a null quarantines the message.'),
  },
  'custom property': {
    description: DOCUMENTATION,
    id: DOCUMENTATION,
    property: honoured('One of the properties below.'),
    value: honoured('Its value.'),
    vendor: honoured('`assessment-pipeline`, or nothing. Properties of other vendors are ignored.'),
  },
  options: {
    defaultTimezone: refused('A timestamp without an offset quarantines its message.'),
    dimensions: refused('Vectors are not supported.'),
    distanceMetric: refused('Vectors are not supported.'),
    elementType: refused('Vectors are not supported.'),
    embeddingModel: refused('Vectors are not supported.'),
    embeddingModelVersion: refused('Vectors are not supported.'),
    exclusiveMaximum: refused('Ranges are not checked.'),
    exclusiveMinimum: refused('Ranges are not checked.'),
    format: honoured('Of an integer: `i32`. Of other types it is refused.'),
    maxItems: refused('The number of items is not checked.'),
    maxLength: refused('Lengths are not checked.'),
    maxProperties: refused('The number of fields is not checked.'),
    maximum: refused('Ranges are not checked.'),
    minItems: refused('The number of items is not checked.', [0]),
    minLength: refused('Lengths are not checked.', [0]),
    minProperties: refused('The number of fields is not checked.', [0]),
    minimum: refused('Ranges are not checked.'),
    multipleOf: refused('Multiples are not checked.'),
    normalized: refused('Vectors are not supported.'),
    pattern: refused('Patterns are not checked.'),
    required: refused('Set `required: true` on the properties themselves.'),
    timezone: honoured('True: a timestamp has an offset. False is refused.'),
    uniqueItems: refused('Items are not compared.', [false]),
  },
};

/** A custom property that the pipeline reads. */
export interface CustomPropertyRule {
  readonly name: string;
  /** The element, as the docs call it. */
  readonly of: string;
  readonly note: string;
}

/** The custom properties of the vendor `assessment-pipeline`. */
export const CUSTOM_PROPERTIES = [
  {
    name: 'person',
    of: 'a required text of the record itself',
    note: 'If true, it has the person whom a record is about, who can be erased. It is also the key of the Kafka message: messages of one person keep their order. At most one field has it.',
  },
  {
    name: 'encoding',
    of: 'a timestamp',
    note: '`rfc3339`, as 2018-01-31T12:00:00.000Z, which is the default; or `epochSeconds`: seconds since 1970, as a number or a text.',
  },
  {
    name: 'countColumn',
    of: 'an array',
    note: 'The name of a column of the enclosing table with the number of items.',
  },
] as const satisfies readonly CustomPropertyRule[];

/** The vendor of our custom properties. */
export const VENDOR = 'assessment-pipeline';
