import { isNode, type Document, type LineCounter } from 'yaml';

/** Returns the line of a key's value in a YAML file, from 1, or of its nearest ancestor that is in the file. */
export function lineOfPath(
  document: Document,
  lines: LineCounter,
  path: readonly PropertyKey[],
): number | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range != null) return lines.linePos(node.range[0]).line;
  }
  return undefined;
}
