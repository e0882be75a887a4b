import { isUtf8 } from 'node:buffer';

/** One header as it is written: `base64` where its value is no UTF-8. */
export type WrittenHeader = { key: string; value: string | null } | { key: string; base64: string };

/** Headers as a JSON array, in order. */
export function serializeHeaders(
  headers: readonly (readonly [name: string, value: Buffer | null])[],
): string {
  return JSON.stringify(headers.map(([name, value]) => writtenHeader(name, value)));
}

/**
 * Headers as they are published, from the text that {@link serializeHeaders} makes. One without a value gets an empty
 * one, since the client cannot write it.
 */
export function parseHeaders(text: string): Record<string, Buffer[]> {
  const values = new Map<string, Buffer[]>();
  for (const header of JSON.parse(text) as WrittenHeader[]) {
    const value =
      'base64' in header ? Buffer.from(header.base64, 'base64') : Buffer.from(header.value ?? '', 'utf8');
    const ofName = values.get(header.key);
    if (ofName === undefined) values.set(header.key, [value]);
    else ofName.push(value);
  }
  return Object.fromEntries(values);
}

/** The value of the first header of that name; undefined where there is none, or it is no text. */
export function firstHeaderValue(headers: string, name: string): string | undefined {
  return textOf((JSON.parse(headers) as WrittenHeader[]).find(({ key }) => key === name));
}

/** The value of the last header of that name, likewise. */
export function lastHeaderValue(headers: string, name: string): string | undefined {
  return textOf((JSON.parse(headers) as WrittenHeader[]).findLast(({ key }) => key === name));
}

function textOf(found: WrittenHeader | undefined): string | undefined {
  return found !== undefined && 'value' in found && found.value !== null ? found.value : undefined;
}

function writtenHeader(key: string, value: Buffer | null): WrittenHeader {
  if (value === null) return { key, value: null };
  return isUtf8(value) ? { key, value: value.toString('utf8') } : { key, base64: value.toString('base64') };
}
