import { Argument, Command } from 'commander';
import {
  completionsOf,
  type Completion,
  type QuotedCandidates,
  type Candidates,
} from './completion-words.ts';
import { withExamples } from './help.ts';
import { print } from './output.ts';
import { loadProgram } from './program.ts';

/** The shells that there is a script for. */
const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

type Shell = keyof typeof SCRIPTS;

/** `pipeline completion SHELL`: prints what makes a shell complete the command line's words. */
export function completionCommand(): Command {
  const command = new Command('completion')
    .description('Print the script by which a shell completes commands, options, sources and tables.')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(SCRIPTS)))
    .action(async (shell: Shell) => {
      print(SCRIPTS[shell](completionsOf(await loadProgram())).split('\n'));
    });
  return withExamples(
    command,
    ['pipeline completion bash > ~/.pipeline-completion', 'then in ~/.bashrc: source ~/.pipeline-completion'],
    ['pipeline completion zsh > ~/.pipeline-completion', 'then in ~/.zshrc: source ~/.pipeline-completion'],
    'pipeline completion fish > ~/.config/fish/completions/pipeline.fish',
  );
}

/**
 * The names under `sources` of a settings file, as pipeline.yaml is written. No program of ours is asked and
 * nothing that was typed is evaluated, so it is quick and safe.
 */
const SOURCES_AWK =
  '/^sources:/ { on = 1; next } /^[^ #]/ { on = 0 } ' +
  'on && /^ +[^ #-][^:]*:/ { match($0, /^ +/); if (!w) w = RLENGTH; ' +
  'if (RLENGTH == w) { sub(/^ +/, ""); sub(/:.*/, ""); print } }';

function bashScript(completions: readonly Completion[]): string {
  const paths = completions.filter(({ path }) => path !== '').map(({ path }) => path);
  return `# Completes pipeline in bash; made by: pipeline completion bash
_pipeline_sources() {
  awk '${SOURCES_AWK}' "$1" 2>/dev/null
}
# Completes the last word of a text that was begun with a quote.
_pipeline_within() {
  local last="\${cur##*[[:space:],()]}" name
  local before="\${cur%"$last"}"
  for name in $1; do
    if [[ -n "$before" && "$name" == "$last"* ]]; then COMPREPLY+=("\${before#[\\"\\']}$name"); fi
  done
}
_pipeline() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}"
  local at="" word="" last="" words="" config="\${PIPELINE_CONFIG:-pipeline.yaml}" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    if [[ "$last" == --config ]]; then config="$word"; fi
    last="$word"
    case "$at/$word" in
      ${paths.join('|')}) at="$at/$word" ;;
    esac
  done
  COMPREPLY=()
  case "$at $prev" in
${completions.flatMap(bashValues).join('\n')}
    *)
      case "$at" in
${completions.map(bashWords).join('\n')}
      esac ;;
  esac
  COMPREPLY+=($(compgen -W "$words" -- "$cur"))
}
complete -F _pipeline pipeline`;
}

function bashValues({ path, options }: Completion): string[] {
  return options
    .filter(({ value }) => value !== undefined)
    .map(({ flag, value = [] }) =>
      value === 'files'
        ? `    "${path} ${flag}") COMPREPLY=($(compgen -f -- "$cur")); return ;;`
        : `    "${path} ${flag}") words="${bashText(value)}" ;;`,
    );
}

function bashWords({ path, subcommands, options, argument }: Completion): string {
  const own = [...subcommands, ...options.map(({ flag }) => flag)].join(' ');
  const within = isWithin(argument) ? ` _pipeline_within "${argument.within.join(' ')}"` : '';
  return `        "${path}") words="${own} ${bashText(argument)}"${within === '' ? '' : `;${within}`} ;;`;
}

function bashText(words: Candidates): string {
  if (words === 'sources') return '$(_pipeline_sources "$config")';
  return words === 'files' || isWithin(words) ? '' : words.join(' ');
}

function isWithin(words: Candidates): words is QuotedCandidates {
  return typeof words === 'object' && 'within' in words;
}

/** zsh runs what is made for bash. A variable called path would be its PATH. */
function zshScript(completions: readonly Completion[]): string {
  return `autoload -Uz compinit bashcompinit\n(( $+functions[compdef] )) || compinit\nbashcompinit\n${bashScript(completions)}`;
}

function fishScript(completions: readonly Completion[]): string {
  const paths = completions.filter(({ path }) => path !== '').map(({ path }) => `'${path}'`);
  return `# Completes pipeline in fish; made by: pipeline completion fish
function __pipeline_sources
  set -l config pipeline.yaml
  set -q PIPELINE_CONFIG; and set config $PIPELINE_CONFIG
  awk '${SOURCES_AWK}' $config 2>/dev/null
end
function __pipeline_within
  set -l text (commandline -ct | string trim -l -c '"\\'' | string collect)
  set -l last (string match -r '[^\\s,()]*$' -- $text)
  set -l before (string sub -l (math (string length -- $text) - (string length -- "$last")) -- $text)
  test -n "$before"; and printf "$before%s\\n" $argv
end
function __pipeline_at
  set -l path ''
  for word in (commandline -opc)[2..-1]
    contains -- "$path/$word" ${paths.join(' ')}; and set path "$path/$word"
  end
  test "$path" = "$argv[1]"
end
complete -c pipeline -f
${completions.flatMap(fishLines).join('\n')}`;
}

function fishLines({ path, subcommands, options, argument }: Completion): string[] {
  const at = `complete -c pipeline -n "__pipeline_at '${path}'"`;
  const words = subcommands.length > 0 ? subcommands : argument;
  const isNone = Array.isArray(words) && words.length === 0;
  return [
    ...(isNone ? [] : [`${at}${fishText(words)}`]),
    ...options.map(({ flag, value }) => {
      const follows = value === undefined ? '' : ` -x${fishText(value)}`;
      return `${at} -l ${flag.slice(2)}${value === 'files' ? ' -r -F' : follows}`;
    }),
  ];
}

function fishText(words: Candidates): string {
  if (words === 'files') return '';
  if (isWithin(words)) return ` -a '(__pipeline_within ${words.within.join(' ')})'`;
  return words === 'sources' ? ` -a '(__pipeline_sources)'` : ` -a '${words.join(' ')}'`;
}
