import { Command } from 'commander';

/** `pipeline tables` */
export function tablesCommand(): Command {
  return new Command('tables');
}
