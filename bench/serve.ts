/**
 * Serves a file of JSON over HTTP from a free port of 127.0.0.1, and prints the URL.
 *
 * Usage: serve.ts FILE
 */
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { pipeline } from 'node:stream';

const READ_BYTES = 1 << 20;
const [file = ''] = process.argv.slice(2);
const size = statSync(file).size;

const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': size });
  // A client that leaves early ends only its response.
  pipeline(createReadStream(file, { highWaterMark: READ_BYTES }), response, () => undefined);
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  process.stdout.write(`http://127.0.0.1:${port}/attempts.json\n`);
});
