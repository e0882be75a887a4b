import { safeJson } from '../../model/printable.ts';

/** Text that is already HTML, as returned by {@link html}. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

/** A value in a template: markup is inserted as it is, everything else is escaped. */
export type HtmlValue = Markup | string | number | readonly HtmlValue[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** A tagged template that escapes all values except markup, so that data never becomes HTML. */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Markup {
  return new Markup(
    strings.map((string, index) => `${string}${escapeContent(values[index] ?? '')}`).join(''),
  );
}

/** Returns JSON for a script element, escaped so that it cannot close the element. */
export function jsonMarkup(value: unknown): Markup {
  return new Markup(safeJson(value).replaceAll('<', String.raw`\u003c`));
}

function escapeContent(value: HtmlValue): string {
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map(escapeContent).join('');
  return String(value).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
