/** Returns a text, of which at most so many characters are kept; one that is cut ends with an ellipsis. */
export function truncate(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).toWellFormed()}…`;
}
