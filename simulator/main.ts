import { parseArgs } from 'node:util';
import { messageOf, PipelineError } from '../model/errors.ts';
import { DAYS } from './calendar.ts';
import { type PlatformOptions, startPlatform } from './server.ts';

const USAGE = `A customer's platform to fetch attempts from: generated ones, or those of a file.

  --port PORT            where to listen on 127.0.0.1 (8300; 0 is any free port)
  --seed N               the seed of requests that don't say (1)
  --count N              how many attempts requests get that don't say (3280)
  --file PATH            serve this file instead; plain or gzip
  --token-variable NAME  ask for the bearer token that this environment variable holds
                         (PLATFORM_TOKEN if that is set; else no token is asked for)
  --spool-folder PATH    where bodies are spooled (a folder of the system's temporary one)

GET /attempts, or /<anything>/attempts, takes:
  seed, count            which attempts
  since                  the first day of the ${DAYS} on which they start (2017-11-21)
  from, to               of these, those that started in [from, to)
  format                 json-array (the default) or ndjson
  spacing                spaced (the default) or compact
  gzip=true              as a .gz file
  encoding=gzip          gzipped in transfer, if the client accepts it
  validator=KIND         strong (an ETag, the default), weak (a weak ETag, a Last-Modified that never changes),
                         recent (a Last-Modified of the answer's own second) or none
  fault=KIND             with the fields of that kind, as fault=cut&bytes=1000&times=2

POST /faults arms one fault or a list for the coming requests; GET shows them, DELETE removes them:
  {"kind":"cut","bytes":1000,"times":2,"path":"/attempts"}   {"kind":"status","status":503}
  {"kind":"busy","retryAfterSeconds":5}   {"kind":"slow","bytesPerSecond":1000}   {"kind":"stall"}
  {"kind":"changed"}   {"kind":"swapped"}   {"kind":"html"}   {"kind":"redirect","location":"http://..."}
  {"kind":"truncated-gzip"}   {"kind":"endless"}   {"kind":"header","name":"Link","value":"..."}

GET /requests shows the last requests and the totals by path; GET /health answers without a token.
`;

const TOKEN_VARIABLE = 'PLATFORM_TOKEN';

function optionsFrom(args: readonly string[]): PlatformOptions | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: 'string', default: '8300' },
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: '3280' },
      file: { type: 'string' },
      'token-variable': { type: 'string' },
      'spool-folder': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const token = tokenFrom(values['token-variable']);
  return {
    port: integer('--port', values.port, 65_535),
    seed: integer('--seed', values.seed, Number.MAX_SAFE_INTEGER),
    count: integer('--count', values.count, 10_000_000),
    ...(values.file === undefined ? {} : { file: values.file }),
    ...(values['spool-folder'] === undefined ? {} : { spoolFolder: values['spool-folder'] }),
    ...(token === undefined ? {} : { token }),
  };
}

function tokenFrom(variable: string | undefined): string | undefined {
  const token = process.env[variable ?? TOKEN_VARIABLE];
  if (variable !== undefined && (token === undefined || token === '')) {
    throw new PipelineError('SETTINGS_INVALID', `--token-variable: the environment has no ${variable}.`);
  }
  return token === '' ? undefined : token;
}

function integer(flag: string, text: string, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= max) return value;
  throw new PipelineError('SETTINGS_INVALID', `${flag}: ${text} must be an integer from 0 to ${max}.`);
}

async function main(): Promise<void> {
  const options = optionsFrom(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(USAGE);
    return;
  }
  const platform = await startPlatform(options);
  const what = options.file ?? `${options.count ?? 0} attempts of seed ${options.seed ?? 0}`;
  process.stdout.write(`Platform at ${platform.url}/attempts: ${what}\n`);
  const stop = () => {
    void platform.close();
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

try {
  await main();
} catch (thrown) {
  process.stderr.write(`${messageOf(thrown)}\n`);
  process.exitCode = 1;
}
