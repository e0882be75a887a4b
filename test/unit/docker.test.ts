import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { z } from 'zod';
import { SEARCH_ATTRIBUTES } from '../../model/search-attributes.ts';
import { parseSettings } from '../../model/settings.ts';
import {
  compose,
  document,
  readProjectFile,
  service,
  services,
  type ComposeService,
} from '../support/compose.ts';
import { ROOT } from '../support/harness.ts';

const settings = parseSettings(readProjectFile('docker/pipeline.yaml'), 'docker/pipeline.yaml');

/** Images with a health check of their own: the Dockerfile's, and Jupyter's. */
const CHECKED_BY_IMAGE = ['worker', 'platform', 'notebooks'];

/** Variables that Kafka's image passes to its start script, and not to server.properties. */
const KAFKA_START_VARIABLES = ['KAFKA_HEAP_OPTS'];

/** Properties that two listeners need, unlike the single one of services/kafka.ts. */
const KAFKA_LISTENER_NAMES = ['listener.security.protocol.map', 'inter.broker.listener.name'];

void describe('docker-compose.yml', () => {
  it('is valid by the JSON schema of the Compose specification', () => {
    assert.deepEqual(schemaFaults(document), []);
    const [fault] = schemaFaults({ services: { worker: { memory_limit: '3g' } } });
    assert.match(fault ?? '', /^\/services\/worker must NOT have additional properties/);
  });

  it('publishes ports on 127.0.0.1 alone, each once', () => {
    const published = services.flatMap(([, { ports }]) => ports);
    for (const port of published) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/);
    const onHost = published.map((port) => port.split(':')[1]);
    assert.deepEqual(onHost, [...new Set(onHost)]);
  });

  it('pins every image to a version', () => {
    for (const [name, { image }] of services)
      assert.match(image, /^[a-z0-9./-]+:[a-z-]*\d+\.\d+\.?\d*(-[a-z]+)?$/, name);
  });

  it('limits the memory and the logs of every container, and restarts it', () => {
    for (const [name, { mem_limit, restart, logging }] of services) {
      assert.match(mem_limit, /^\d+[mg]$/, name);
      assert.match(restart, /^(unless-stopped|on-failure:\d+)$/, name);
      assert.equal(logging.driver, 'local', name);
    }
  });

  it('has one network, and every container is on it or shares the worker’s', () => {
    assert.deepEqual(Object.keys(compose.networks), ['pipeline']);
    for (const [name, { networks, network_mode: mode }] of services)
      assert.ok(mode === undefined ? networks?.join() === 'pipeline' : mode === 'service:worker', name);
  });

  it('depends only on containers that become healthy or end', () => {
    for (const [name, { depends_on: needs }] of services) {
      for (const [needed, { condition }] of Object.entries(needs)) {
        const { healthcheck, restart } = service(needed);
        if (condition === 'service_healthy')
          assert.ok(
            healthcheck !== undefined || CHECKED_BY_IMAGE.includes(needed),
            `${name} needs ${needed}`,
          );
        else assert.match(restart, /^on-failure/, `${name} needs ${needed} to end`);
      }
    }
  });

  it('has a health check for every server', () => {
    const silent = services.filter(
      ([name, { restart, healthcheck }]) =>
        restart === 'unless-stopped' && healthcheck === undefined && !CHECKED_BY_IMAGE.includes(name),
    );
    assert.deepEqual(
      silent.map(([name]) => name),
      [],
    );
  });

  it('contains no secret: each comes from the environment', () => {
    for (const [name, { environment }] of services) {
      for (const [key, value] of Object.entries(environment)) {
        if (/PASSWORD|PWD|TOKEN|SECRET/.test(key))
          assert.match(String(value), /^\$\{[A-Z_]+:-[a-z]*\}$/, `${name}: ${key}`);
      }
    }
  });

  it('mounts only existing files and folders', () => {
    const mounts = services.flatMap(([, { volumes }]) => volumes.map((volume) => volume.split(':')[0] ?? ''));
    for (const mount of mounts) {
      if (mount.startsWith('./')) assert.ok(existsSync(join(ROOT, mount)), mount);
    }
    const named = new Set(mounts.filter((mount) => !mount.startsWith('./')));
    assert.deepEqual([...named].sort(), Object.keys(compose.volumes).sort());
  });

  it('gives the worker more time to stop than its own grace', () => {
    const grace = /DRAIN_GRACE = '(\d+)s'/.exec(readProjectFile('worker/worker.ts'))?.[1];
    assert.ok(seconds(service('worker').stop_grace_period) > seconds(`${grace}s`));
  });

  it('is described image by image in docs/docker.md', () => {
    const text = readProjectFile('docs/docker.md');
    for (const [name, { image }] of services) assert.ok(text.includes(`\`${image}\``), `${name}: ${image}`);
  });
});

void describe('Kafka of docker-compose.yml', () => {
  const properties = kafkaProperties(service('kafka').environment);
  const own = literalsOf('services/kafka.ts');

  it('sets only properties that Kafka has', () => {
    for (const name of properties.keys())
      assert.ok(own.has(name) || KAFKA_LISTENER_NAMES.includes(name), name);
  });

  it('has the settings of the servers without Docker that the pipeline relies on', () => {
    const shared = [...own].filter(([name]) =>
      /^(num|auto|offsets|transaction|share|group|log\.cleaner)\./.test(name),
    );
    assert.ok(shared.length >= 12);
    for (const [name, value] of shared) assert.equal(properties.get(name), value, name);
  });

  it('advertises the address that reaches it from each network', () => {
    const advertised = properties.get('advertised.listeners')?.split(',') ?? [];
    assert.deepEqual(
      advertised.map((listener) => listener.replace('://', ' ')),
      [
        `INTERNAL ${settings.kafka.brokers.join()}`,
        `HOST ${parseSettings('sources: {}', '').kafka.brokers.join()}`,
      ],
    );
    assert.deepEqual(service('kafka').ports, ['127.0.0.1:9092:9092']);
  });
});

void describe('HDFS of docker-compose.yml', () => {
  const hdfs = site('docker/hadoop/hdfs-site.xml');
  const core = site('docker/hadoop/core-site.xml');

  it('has the settings of the servers without Docker, except addresses and folders', () => {
    const own = [...literalsOf('services/hdfs.ts')].filter(
      // Hadoop 3 always enables WebHDFS.
      ([name]) => name.startsWith('dfs.') && !/address|hostname|bind-host|\.dir$|webhdfs\.enabled/.test(name),
    );
    assert.ok(own.length >= 7);
    for (const [name, value] of own) assert.equal(hdfs.get(name), value, name);
  });

  it('has the same name for the NameNode in all its settings and the pipeline’s', () => {
    assert.equal(core.get('fs.defaultFS'), `hdfs://${hdfs.get('dfs.namenode.rpc-address')}`);
    assert.deepEqual(settings.hdfs.nameNodes, [`http://${hdfs.get('dfs.namenode.http-address')}`]);
    assert.equal(service('namenode').hostname, 'namenode');
  });

  it('redirects clients to a name and a port of the DataNode that work inside and outside', () => {
    const name = hdfs.get('dfs.datanode.hostname') ?? '';
    const port = hdfs.get('dfs.datanode.http.address')?.split(':')[1];
    assert.equal(service(name).hostname, name);
    assert.deepEqual(service(name).ports, [`127.0.0.1:${port}:${port}`]);
  });

  it('has the pipeline’s user as superuser', () => {
    for (const name of ['namenode', 'datanode'])
      assert.equal(service(name).environment['HADOOP_USER_NAME'], settings.hdfs.user);
  });
});

void describe('docker/pipeline.yaml', () => {
  it('names only hosts and ports that docker-compose.yml has', () => {
    const [host = '', port] = settings.temporal.address.split(':');
    assert.ok(service(host).ports.some((published) => published.endsWith(`:${port}`)));
    for (const broker of settings.kafka.brokers) assert.ok(service(broker.split(':')[0] ?? ''));
    for (const nameNode of settings.hdfs.nameNodes) {
      const url = new URL(nameNode);
      assert.ok(service(url.hostname).ports.some((published) => published.endsWith(`:${url.port}`)));
    }
    assert.ok(
      service('temporal-ui').ports.includes(`127.0.0.1:${new URL(settings.temporal.uiUrl).port}:8080`),
    );
  });

  it('stages on a volume of the worker', () => {
    assert.ok(service('worker').volumes.includes(`staging:${dirname(settings.worker.staging)}`));
  });

  it('leaves the ports on the host to be those of the defaults, so that pipeline.yaml works there', () => {
    const { temporal, kafka, hdfs } = parseSettings('sources: {}', '');
    const addresses = [temporal.address, kafka.brokers[0] ?? '', new URL(hdfs.nameNodes[0] ?? '').host];
    for (const address of addresses)
      assert.ok(
        services.some(([, { ports }]) => ports.some((port) => port.startsWith(`${address}:`))),
        address,
      );
  });
});

void describe('Temporal of docker-compose.yml', () => {
  it('accepts HTTP requests only for host names that never resolve (RFC 6761)', () => {
    const config = z
      .object({ 'frontend.httpAllowedHosts': z.tuple([z.object({ value: z.array(z.string()) })]) })
      .parse(parse(readProjectFile('docker/temporal/dynamic-config.yaml')));
    const [{ value }] = config['frontend.httpAllowedHosts'];
    assert.ok(value.length > 0);
    for (const host of value) assert.match(host, /\.invalid$/);
  });
});

void describe('The one-shot that prepares Temporal', () => {
  it('registers the search attributes that runs set, and no others', () => {
    const script = readProjectFile('docker/temporal/register.sh');
    const found = [...script.matchAll(/--name (\w+) --type (\w+)/g)].map(([, name, type]) => [name, type]);
    assert.deepEqual(Object.fromEntries(found), { ...SEARCH_ATTRIBUTES });
    assert.match(script, new RegExp(`^namespace=${settings.temporal.namespace}$`, 'm'));
  });
});

void describe('The notebooks', () => {
  it('load Delta for the Spark that their image has', () => {
    const spark = /:spark-(\d+\.\d+)\.\d+$/.exec(service('notebooks').image)?.[1];
    assert.match(
      readProjectFile('docker/spark/spark-defaults.conf'),
      new RegExp(`io\\.delta:delta-spark_${spark}_2\\.13:`),
    );
  });
});

/** Returns the errors by the Compose specification's schema, from the package dclint. */
function schemaFaults(value: unknown): string[] {
  const folder = dirname(createRequire(import.meta.url).resolve('dclint/package.json'));
  const text = readFileSync(join(folder, 'schemas/compose.schema.json'), 'utf8');
  const schema = z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  // It references its own schema, draft 7, by another URL than Ajv does.
  const validate = new Ajv({ strict: false, validateFormats: false, validateSchema: false }).compile(schema);
  return validate(value)
    ? []
    : (validate.errors ?? []).map((fault) => `${fault.instancePath} ${fault.message}`);
}

function seconds(duration: string | undefined): number {
  const found = /^(\d+)s$/.exec(duration ?? '')?.[1];
  assert.ok(found, `${duration} is not a number of seconds`);
  return Number(found);
}

/** Converts a variable of Kafka's image to a property: KAFKA_A_B is a.b, and two and three underscores are _ and -. */
function kafkaProperties(environment: ComposeService['environment']): Map<string, string> {
  const variables = Object.entries(environment).filter(([name]) => !KAFKA_START_VARIABLES.includes(name));
  return new Map(
    variables.map(([name, value]) => {
      assert.match(name, /^KAFKA_/);
      const property = name.slice('KAFKA_'.length).toLowerCase();
      return [property.replaceAll('_', '.').replaceAll('...', '-').replaceAll('..', '_'), String(value)];
    }),
  );
}

/** Returns the settings that a source file writes as `'a.b': value`; products of numbers are computed. */
function literalsOf(path: string): Map<string, string> {
  const found = [...readProjectFile(path).matchAll(/^ +'?([a-z][\w.-]*)'?: (.+),$/gm)];
  return new Map(found.map(([, name = '', value = '']) => [name, valueOf(value)]));
}

function valueOf(source: string): string {
  if (/^[\d_]+( \* [\d_]+)*$/.test(source))
    return String(
      source.split(' * ').reduce((product, factor) => product * Number(factor.replaceAll('_', '')), 1),
    );
  if (source === 'YEAR_IN_MINUTES') return String(365 * 24 * 60);
  return source.replaceAll("'", '');
}

/** Parses the properties of a Hadoop settings file. */
function site(path: string): Map<string, string> {
  const found = [...readProjectFile(path).matchAll(/<name>(.+?)<\/name><value>(.*?)<\/value>/g)];
  return new Map(found.map(([, name = '', value = '']) => [name, value]));
}
