/** Formats a Markdown table; escapes bars in cells. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Formats a text as code. */
export function code(text: string): string {
  return `\`${text}\``;
}

/** Returns the header of a page generated from the code. */
export function madeFrom(file: string): string {
  return `<!-- Made from ${file} by scripts/docs.ts; test/unit/docs.test.ts compares. Change the code, then run: npx tsx scripts/docs.ts -->`;
}
