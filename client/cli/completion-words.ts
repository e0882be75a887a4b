import type { Argument, Command, Option } from 'commander';
import { TABLES } from '../../tables/index.ts';
import { VIEWS } from '../../tables/views.ts';

/** The words of a text that can hold any of them, as the tables of a query. */
export interface QuotedCandidates {
  readonly within: readonly string[];
}

/** What can be typed at a place: some words, the sources of the settings, the name of a file, or a text with words. */
export type Candidates = readonly string[] | 'sources' | 'files' | QuotedCandidates;

/** What completes a command: where it is called, and what can follow. */
export interface Completion {
  /** The words that call it, each after a slash: /schedule/set; empty for the program itself. */
  readonly path: string;
  readonly subcommands: readonly string[];
  readonly options: readonly { readonly flag: string; readonly value: Candidates | undefined }[];
  readonly argument: Candidates;
}

/** The completions of a program and of all its commands. */
export function completionsOf(command: Command, path = ''): Completion[] {
  const help = command.createHelp();
  const subcommands = help.visibleCommands(command).map((sub) => sub.name());
  const [argument] = command.registeredArguments;
  const own: Completion = {
    path,
    subcommands,
    options: help.visibleOptions(command).map((option) => ({
      flag: option.long ?? option.flags,
      value: option.required || option.optional ? wordsOf(option) : undefined,
    })),
    argument: argument === undefined ? [] : wordsOf(argument),
  };
  return [own, ...command.commands.flatMap((sub) => completionsOf(sub, `${path}/${sub.name()}`))];
}

/** What fits an option's value or an argument, by its choices or by what it is called. */
function wordsOf(of: Option | Argument): Candidates {
  if (of.argChoices !== undefined) return of.argChoices;
  const name = 'flags' in of ? /<(\w+)>/.exec(of.flags)?.[1] : of.name();
  if (name === 'source') return 'sources';
  if (name === 'file') return 'files';
  const tables = [...TABLES, ...VIEWS].map((table) => table.name);
  if (name === 'sql') return { within: tables };
  return name === 'table' ? tables : [];
}
