import { Command } from 'commander';

/** `pipeline verify` */
export function verifyCommand(): Command {
  return new Command('verify');
}
