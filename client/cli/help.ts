import type { Command } from 'commander';

/** Something that can be typed, and what it is for where that does not show. */
export type Example = string | readonly [command: string, meaning: string];

/** Ends a command's help with examples; each is tried by a test. */
export function withExamples(command: Command, ...examples: readonly Example[]): Command {
  const lines = examples.flatMap((example) =>
    typeof example === 'string' ? [`  ${example}`] : [`  ${example[0]}`, `      ${example[1]}`],
  );
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}
