import { safeJson } from '../../model/printable.ts';

/** Text that is HTML already, as {@link html} makes it. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

/** What a template takes: markup as it is, and everything else as text. */
export type Content = Markup | string | number | readonly Content[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** A template whose values are escaped, unless they are markup: text of the data never becomes HTML. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(strings.map((piece, at) => `${piece}${textOf(values[at] ?? '')}`).join(''));
}

/** Data for programs that read the page. It stands in a script element, which it must not end. */
export function jsonMarkup(value: unknown): Markup {
  return new Markup(safeJson(value).replaceAll('<', String.raw`\u003c`));
}

function textOf(value: Content): string {
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map(textOf).join('');
  return String(value).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
