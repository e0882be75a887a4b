import { CUSTOM_PROPERTIES, KEY_RULES, VENDOR, type ElementKind } from '../records/contract/keys.ts';
import { SCALAR_TYPES } from '../records/contract/scalar-types.ts';
import { code, madeFrom, markdownTable } from './docs-markdown.ts';

const ELEMENTS: Readonly<Record<ElementKind, string>> = {
  contract: 'The contract',
  record: 'The record, in `schema`',
  property: 'A property: a field of a record, an object or an item',
  items: 'The `items` of an array',
  options: '`logicalTypeOptions`',
  'custom property': 'A custom property',
};

/** The keys of contracts. */
export function contractsPage(): string {
  return [
    madeFrom('records/contract/'),
    '# Contracts',
    'A contract says what the records of a customer look like, and which tables they become: [contracts/attempts.odcs.yaml](../contracts/attempts.odcs.yaml) is that of attempts. It is written in the [Open Data Contract Standard](https://bitol-io.github.io/open-data-contract-standard/) 3.2, which editors, catalogs and other tools read, too.',
    'Each single value is a column. Fields of objects are columns of the same table, named by their path; each array of objects is a table of its own, whose rows have the position of the item in each enclosing array. All tables have `source`, the day, and the Kafka position of the message.',
    'A contract is validated when the program is built. An error (`CONTRACT_INVALID`) names the file, the path and the line. **Honoured** keys have an effect; **ignored** ones are for readers and other tools; **refused** ones promise something that the pipeline does not do, so that a contract with them is an error.',
    '## Types',
    markdownTable(
      ['`logicalType`', '`encoding`', 'Values'],
      SCALAR_TYPES.map(({ logicalType, encoding, note }) => [
        code(logicalType),
        encoding === undefined ? '' : code(encoding),
        note,
      ]),
    ),
    'Besides these there are `object`, with `properties`, and `array`, whose `items` are objects.',
    '## Custom properties',
    `What the standard has no word for is in \`customProperties\`, with the \`vendor\` \`${VENDOR}\` or without any.`,
    markdownTable(
      ['Property', 'Of', 'Meaning'],
      CUSTOM_PROPERTIES.map(({ name, of, note }) => [code(name), of, note]),
    ),
    '## Keys',
    ...Object.entries(KEY_RULES).flatMap(([element, rules]) => [
      `### ${ELEMENTS[element as ElementKind]}`,
      markdownTable(
        ['Key', 'Treatment', 'Meaning'],
        Object.entries(rules)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, { treatment, note, harmless = [] }]) => [
            code(key),
            treatment,
            harmless.length === 0
              ? note
              : `${note} Accepted: ${harmless.map((one) => code(String(one))).join(', ')}.`,
          ]),
      ),
    ]),
  ].join('\n\n');
}
