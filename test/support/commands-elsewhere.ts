const DOCKER = { why: 'there is no Docker where tests run', by: 'test/unit/docker.test.ts' };
const NOTEBOOKS = {
  why: 'the notebooks are run with the packages that the tests keep',
  by: 'test/interop/notebooks.test.ts',
};
const DEMO = { why: 'has the usual ports', by: 'test/demo/demo.test.ts' };

/** Commands that are not run here, with the reason; `by` names the test that runs or checks them. */
export const ELSEWHERE: Readonly<Record<string, { readonly why: string; readonly by: string }>> = {
  'npm run demo': DEMO,
  'npm run demo -- --data FILE': DEMO,
  'npm run demo -- --exit': DEMO,
  'npm run stop': DEMO,
  'npm run services -- reset': {
    why: 'it deletes what the servers of the project’s folder hold; it is tried on a folder of a test’s own',
    by: 'test/integration/services.test.ts',
  },
  'export KAFKA_PASSWORD=…': {
    why: 'the test gives no password',
    by: 'test/integration/secure-kafka.test.ts',
  },
  'export TEMPORAL_API_KEY=…': {
    why: 'the test gives no key',
    by: 'test/integration/secure-temporal.test.ts',
  },
  'npx tsx test/ui/take-screenshots.ts': {
    why: 'it takes the screenshots of the pages in a browser',
    by: 'test/ui/screenshots.test.ts',
  },
  'npx tsx scripts/docs.ts': { why: 'it writes pages in place', by: 'test/unit/docs.test.ts' },
  'npx tsx test/record-histories.ts': {
    why: 'it records what is replayed',
    by: 'test/unit/replay.test.ts',
  },
  'npx tsx scripts/jars.ts': { why: 'it writes lists in place', by: 'test/unit/services-jars.test.ts' },
  [`npx pipeline query --trusted "FROM attempts JOIN 'classes.csv' USING (user_exam_id)"`]: {
    why: 'it wants a file of the reader’s own',
    by: 'test/integration/query-formats.test.ts',
  },
  'npm run soak -- --minutes 20 --seed 1': {
    why: 'its duration is an option; a short one is a test',
    by: 'test/faults/soak.test.ts',
  },
  'npx pipeline quarantine replay': {
    why: 'it is run with a selection of benchmarks',
    by: 'test/integration/quarantine.test.ts',
  },
  'npx pipeline start pearson --again': {
    why: 'it lands the records a second time',
    by: 'test/integration/ingest-again.test.ts',
  },
  'npm run build:scanner': { why: 'npm test runs it first', by: 'test/unit/build.test.ts' },
  'npm run check': { why: 'the part check of the tests runs the same programs', by: 'test/run.ts' },
  'npm run fix': { why: 'it changes sources in place', by: 'package.json' },
  'npm run fuzz': { why: 'it runs for minutes; a short one is a unit test', by: 'test/unit/fuzz.test.ts' },
  'npm run build': { why: 'it was done before the first test', by: 'test/unit/build.test.ts' },
  'npm run worker': { why: 'it runs until it is ended', by: 'test/demo/demo.test.ts' },
  'python3 -m venv .venv': NOTEBOOKS,
  '.venv/bin/pip install -r notebooks/requirements.txt': NOTEBOOKS,
  'export HADOOP_USER_NAME=hdfs': NOTEBOOKS,
  '.venv/bin/jupyter nbconvert --execute --to html notebooks/duckdb.ipynb': NOTEBOOKS,
  'npm link': { why: 'it changes what is installed for the whole machine', by: 'package.json' },
  'npm ci --omit=dev': { why: 'a step of the Dockerfile', by: 'test/unit/dockerfile.test.ts' },
  "echo '127.0.0.1 datanode' | sudo tee -a /etc/hosts": DOCKER,
};
