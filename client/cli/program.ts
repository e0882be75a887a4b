import { Command } from 'commander';
import { EXIT, EXIT_MEANINGS, type ExitCode } from './exit.ts';
import { withExamples } from './help.ts';
import { print, printError } from './output.ts';

/** Loads each command on demand; listed in the order of the help. */
const LOADERS: Readonly<Record<string, () => Promise<Command>>> = {
  preview: async () => (await import('../preview/preview.ts')).previewCommand(),
  start: async () => (await import('../runs/start.ts')).startCommand(),
  list: async () => (await import('../runs/list.ts')).listCommand(),
  status: async () => (await import('../runs/status.ts')).statusCommand(),
  retry: async () => (await import('../runs/decide.ts')).decisionCommand('retry'),
  skip: async () => (await import('../runs/decide.ts')).decisionCommand('skip'),
  abort: async () => (await import('../runs/decide.ts')).decisionCommand('abort'),
  schedule: async () => (await import('../schedules/commands.ts')).scheduleCommand(),
  quarantine: async () => (await import('../quarantine/commands.ts')).quarantineCommand(),
  answers: async () => (await import('../query/answers.ts')).answersCommand(),
  report: async () => (await import('../report/report.ts')).reportCommand(),
  query: async () => (await import('../query/query.ts')).queryCommand(),
  tables: async () => (await import('../tables/tables.ts')).tablesCommand(),
  history: async () => (await import('../tables/history.ts')).historyCommand(),
  restore: async () => (await import('../tables/restore.ts')).restoreCommand(),
  maintain: async () => (await import('../upkeep/maintain.ts')).maintainCommand(),
  rebuild: async () => (await import('../upkeep/rebuild.ts')).rebuildCommand(),
  erase: async () => (await import('../erasure/erase.ts')).eraseCommand(),
  doctor: async () => (await import('../doctor/doctor.ts')).doctorCommand(),
  verify: async () => (await import('../verify/verify.ts')).verifyCommand(),
  completion: async () => (await import('./completion.ts')).completionCommand(loadProgram),
};

/** A command as the program's help lists it. */
export interface ListedCommand {
  readonly name: string;
  readonly description: string;
  /** Such as `[run]`. */
  readonly arguments: readonly string[];
  readonly hasOptions: boolean;
}

/** Lists the commands of a program. */
export function listCommands(program: Command): ListedCommand[] {
  return program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    arguments: command.registeredArguments.map((argument) => {
      const name = argument.variadic ? `${argument.name()}...` : argument.name();
      return argument.required ? `<${name}>` : `[${name}]`;
    }),
    hasOptions: command.options.length > 0,
  }));
}

/**
 * Builds the command line. Invalid arguments throw a CommanderError; nothing is written.
 * @param words The arguments of the process. Only the command that they name is loaded, since loading others' modules,
 *   such as DuckDB, is slow.
 * @param list Returns all commands, for the help where the arguments name none; where it returns none, each is loaded.
 */
export async function loadProgram(
  words: readonly string[] = [],
  list: () => readonly ListedCommand[] | undefined = () => undefined,
): Promise<Command> {
  const program = new Command('pipeline')
    .description('Load customers’ assessment attempts into tables that can be queried.')
    .option('--config <file>', 'the settings file (default: $PIPELINE_CONFIG, else pipeline.yaml)')
    .hook('preAction', (command) => {
      const { config } = command.opts<{ config?: string }>();
      if (config !== undefined) process.env['PIPELINE_CONFIG'] = config;
    });
  const named = words.find((word) => Object.hasOwn(LOADERS, word));
  const listed = named === undefined ? list() : undefined;
  if (listed !== undefined) for (const one of listed) program.addCommand(helpOf(one));
  else
    for (const [name, load] of Object.entries(LOADERS))
      if (named === undefined || named === name) program.addCommand(await load());
  throwErrors(program);
  return withExamples(
    program.addHelpText('after', formatExits()),
    'pipeline start pearson --follow',
    'pipeline list --state waiting',
    ['pipeline --config staging.yaml verify', 'with another settings file'],
  );
}

/** Returns a command that has only what the program's help shows of it. */
function helpOf({ name, description, arguments: names, hasOptions }: ListedCommand): Command {
  const command = new Command(name).description(description);
  for (const argument of names) command.argument(argument);
  return hasOptions ? command.option('--json') : command;
}

/** Leaves errors to the caller, and writes help through the escaping output. */
function throwErrors(command: Command): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => {
      print(linesOf(text));
    },
    writeErr: (text) => {
      printError(linesOf(text));
    },
    outputError: () => undefined,
  });
  command.commands.forEach(throwErrors);
}

function linesOf(text: string): string[] {
  return text.replace(/\n$/, '').split('\n');
}

function formatExits(): string {
  const lines = (Object.entries(EXIT) as [keyof typeof EXIT, ExitCode][]).map(
    ([name, code]) => `  ${code}  ${EXIT_MEANINGS[name]}`,
  );
  return `\nExit codes:\n${lines.join('\n')}`;
}
