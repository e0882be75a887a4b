import type { Argument, Command, Option } from 'commander';
import { TABLES, VIEWS } from '../../tables/index.ts';

/** Words that can occur anywhere in a quoted argument, such as the tables in a query. */
export interface QuotedCandidates {
  readonly quoted: readonly string[];
}

/** The possible completions of an argument: fixed words, the sources in the settings, files, or words in a quoted text. */
export type Candidates = readonly string[] | 'sources' | 'files' | QuotedCandidates;

/** The completions of one command. */
export interface Completion {
  /** The command and its parents, such as /schedule/set; empty for the program itself. */
  readonly path: string;
  readonly subcommands: readonly string[];
  readonly options: readonly { readonly flag: string; readonly value: Candidates | undefined }[];
  readonly argument: Candidates;
}

/** Returns the completions of a command and of all its subcommands. */
export function completionsOf(command: Command, path = ''): Completion[] {
  const help = command.createHelp();
  const subcommands = help.visibleCommands(command).map((sub) => sub.name());
  const [argument] = command.registeredArguments;
  const own: Completion = {
    path,
    subcommands,
    options: help.visibleOptions(command).map((option) => ({
      flag: option.long ?? option.flags,
      value: option.required || option.optional ? candidatesFor(option) : undefined,
    })),
    argument: argument === undefined ? [] : candidatesFor(argument),
  };
  return [own, ...command.commands.flatMap((sub) => completionsOf(sub, `${path}/${sub.name()}`))];
}

/** Returns the candidates for an option's value or an argument, by its choices or else by its name. */
function candidatesFor(target: Option | Argument): Candidates {
  if (target.argChoices !== undefined) return target.argChoices;
  const name = 'flags' in target ? /<(\w+)>/.exec(target.flags)?.[1] : target.name();
  if (name === 'source') return 'sources';
  if (name === 'file') return 'files';
  const tables = [...TABLES, ...VIEWS].map((table) => table.name);
  if (name === 'sql') return { quoted: tables };
  return name === 'table' ? tables : [];
}
