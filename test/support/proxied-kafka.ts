import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts, LOOPBACK_HOST } from '../../services/ports.ts';
import { KafkaProxy } from './kafka-proxy.ts';
import { OwnKafka } from './own-kafka.ts';

/** A real broker of one test, which clients reach only through a proxy, by a second listener. */
export class ProxiedKafka {
  readonly kafka: OwnKafka;
  readonly proxy: KafkaProxy;

  private constructor(kafka: OwnKafka, proxy: KafkaProxy) {
    this.kafka = kafka;
    this.proxy = proxy;
  }

  /** @param properties Extra settings of the broker. */
  static async start(properties: Readonly<Record<string, string>> = {}): Promise<ProxiedKafka> {
    const folder = await mkdtemp(join(tmpdir(), 'proxied-kafka-'));
    const { kafka: own, namenode } = await freePorts();
    const behind = { host: LOOPBACK_HOST, port: namenode.rpc };
    const proxy = await KafkaProxy.start(namenode.http, behind);
    const plain = `PLAINTEXT://${LOOPBACK_HOST}:${own.broker}`;
    const kafka = await OwnKafka.start(folder, own, {
      properties: {
        listeners: `${plain},PROXIED://${LOOPBACK_HOST}:${behind.port},CONTROLLER://${LOOPBACK_HOST}:${own.controller}`,
        'advertised.listeners': `${plain},PROXIED://${proxy.address}`,
        'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT',
        'inter.broker.listener.name': 'PLAINTEXT',
        ...properties,
      },
    });
    return new ProxiedKafka(kafka, proxy);
  }

  async stop(): Promise<void> {
    await this.proxy.stop();
    await this.kafka.stop();
  }
}
