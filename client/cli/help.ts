import type { Command } from 'commander';

/** A command to type, with an explanation where it needs one. */
export type Example = string | readonly [command: string, meaning: string];

/** Appends examples to a command's help; a test parses each of them. */
export function withExamples(command: Command, ...examples: readonly Example[]): Command {
  const lines = examples.flatMap((example) =>
    typeof example === 'string' ? [`  ${example}`] : [`  ${example[0]}`, `      ${example[1]}`],
  );
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}
