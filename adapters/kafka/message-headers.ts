import { isUtf8 } from 'node:buffer';

/** A header in JSON: `base64` if its value is not valid UTF-8. */
export type WrittenHeader = { key: string; value: string | null } | { key: string; base64: string };

/** Serializes headers to a JSON array, in order. */
export function serializeHeaders(
  headers: readonly (readonly [name: string, value: Buffer | null])[],
): string {
  return JSON.stringify(headers.map(([name, value]) => toWrittenHeader(name, value)));
}

/**
 * Parses the output of {@link serializeHeaders} into headers to publish. A null value becomes an empty one: null
 * values are not encoded here.
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

/** Returns the value of the first header of a name; undefined if there is none, or it is not text. */
export function firstHeaderValue(headers: string, name: string): string | undefined {
  return textValue((JSON.parse(headers) as WrittenHeader[]).find(({ key }) => key === name));
}

/** Returns the value of the last header of a name; undefined if there is none, or it is not text. */
export function lastHeaderValue(headers: string, name: string): string | undefined {
  return textValue((JSON.parse(headers) as WrittenHeader[]).findLast(({ key }) => key === name));
}

function textValue(found: WrittenHeader | undefined): string | undefined {
  return found !== undefined && 'value' in found && found.value !== null ? found.value : undefined;
}

function toWrittenHeader(key: string, value: Buffer | null): WrittenHeader {
  if (value === null) return { key, value: null };
  return isUtf8(value) ? { key, value: value.toString('utf8') } : { key, base64: value.toString('base64') };
}
