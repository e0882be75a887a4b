import { Command } from 'commander';

/** `pipeline query` */
export function queryCommand(): Command {
  return new Command('query');
}
