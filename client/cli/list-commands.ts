/** Prints the commands as JSON, for a help that need not load each of them. */
import { printJson } from './output.ts';
import { listCommands, loadProgram } from './program.ts';

printJson(listCommands(await loadProgram()));
