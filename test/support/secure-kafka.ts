import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts, LOOPBACK_HOST } from '../../services/ports.ts';
import { Authority, bundle } from './certificates.ts';
import { OwnKafka } from './own-kafka.ts';

const SCRAM = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';

/** Users of {@link SecureKafka}: one with all rights, and one with none. */
export const USER = { name: 'pipeline', password: 'open sesame' } as const;
export const STRANGER = { name: 'stranger', password: 'let me in' } as const;

const PLAIN = `org.apache.kafka.common.security.plain.PlainLoginModule required user_${USER.name}="${USER.password}";`;

/** Another name of 127.0.0.1, which the system resolves and no list of loopback names contains. */
export const UNKNOWN_LOOPBACK = '0x7f000001';

/** A real broker of one test that requires TLS and SASL, with the authority of its certificates. */
export class SecureKafka {
  /** Folder of its files. */
  readonly folder: string;
  readonly authority: Authority;
  /** host:port of each listener, by its security. */
  readonly listeners: {
    readonly plain: string;
    readonly login: string;
    readonly clientCertificate: string;
    /** SASL without TLS. */
    readonly cleartext: string;
    /** Its certificate has expired. */
    readonly expired: string;
    /** Its certificate names another host. */
    readonly elsewhere: string;
  };
  readonly #kafka: OwnKafka;

  private constructor(kafka: OwnKafka, authority: Authority, listeners: SecureKafka['listeners']) {
    this.folder = kafka.folder;
    this.authority = authority;
    this.listeners = listeners;
    this.#kafka = kafka;
  }

  static async start(): Promise<SecureKafka> {
    const folder = await mkdtemp(join(tmpdir(), 'secure-kafka-'));
    const authority = await Authority.make(folder, 'authority');
    const { kafka: own, namenode, datanode } = await freePorts();
    const ports = {
      login: namenode.rpc,
      mtls: namenode.http,
      expired: datanode.data,
      elsewhere: datanode.http,
      cleartext: datanode.ipc,
    };
    const kafka = await OwnKafka.start(folder, own, {
      properties: {
        ...listenersOf({ plain: own.broker, controller: own.controller, ...ports }),
        ...(await certificatesOf(authority)),
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': `User:${USER.name};User:ANONYMOUS;User:CN=client`,
      },
      formatWords: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) =>
        [USER, STRANGER].map(
          ({ name, password }) => `--add-scram=${mechanism}=[name="${name}",password="${password}"]`,
        ),
      ),
    });
    return new SecureKafka(kafka, authority, {
      plain: kafka.broker,
      login: `localhost:${ports.login}`,
      clientCertificate: `localhost:${ports.mtls}`,
      expired: `localhost:${ports.expired}`,
      elsewhere: `localhost:${ports.elsewhere}`,
      cleartext: `localhost:${ports.cleartext}`,
    });
  }

  async stop(): Promise<void> {
    await this.#kafka.stop();
  }
}

function listenersOf(ports: Readonly<Record<string, number>>): Record<string, string> {
  const names = Object.entries(ports).map(([name, port]) => [name.toUpperCase(), port] as const);
  const at = ([name, port]: readonly [string, number]): string =>
    `${name}://${name === 'PLAIN' || name === 'CONTROLLER' ? LOOPBACK_HOST : 'localhost'}:${port}`;
  return {
    listeners: names.map(at).join(','),
    'advertised.listeners': names
      .filter(([name]) => name !== 'CONTROLLER')
      .map(at)
      .join(',')
      .replace('CLEARTEXT://localhost', `CLEARTEXT://${UNKNOWN_LOOPBACK}`),
    'listener.security.protocol.map':
      'CLEARTEXT:SASL_PLAINTEXT,PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT,LOGIN:SASL_SSL,MTLS:SSL,EXPIRED:SSL,ELSEWHERE:SSL',
    'inter.broker.listener.name': 'PLAIN',
    'listener.name.login.sasl.enabled.mechanisms': 'SCRAM-SHA-256,SCRAM-SHA-512,PLAIN',
    'listener.name.login.scram-sha-256.sasl.jaas.config': SCRAM,
    'listener.name.login.scram-sha-512.sasl.jaas.config': SCRAM,
    'listener.name.login.plain.sasl.jaas.config': PLAIN,
    'listener.name.cleartext.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512',
    'listener.name.cleartext.scram-sha-512.sasl.jaas.config': SCRAM,
    'listener.name.cleartext.plain.sasl.jaas.config': PLAIN,
    'listener.name.mtls.ssl.client.auth': 'required',
  };
}

async function certificatesOf(authority: Authority): Promise<Record<string, string>> {
  const server = await authority.sign('server');
  const expired = await authority.sign('expired', { days: -1 });
  const elsewhere = await authority.sign('elsewhere', { names: ['DNS:kafka.example.com'] });
  return {
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': authority.caFile,
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': await bundle(server),
    'listener.name.expired.ssl.keystore.type': 'PEM',
    'listener.name.expired.ssl.keystore.location': await bundle(expired),
    'listener.name.elsewhere.ssl.keystore.type': 'PEM',
    'listener.name.elsewhere.ssl.keystore.location': await bundle(elsewhere),
  };
}
