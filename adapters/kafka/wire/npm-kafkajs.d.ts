/** Types of the private modules of kafkajs 2.2.4 in use; see README.md. */
declare module 'kafkajs/src/cluster/index.js' {
  import type { ISocketFactory, KafkaConfig } from 'kafkajs';
  import type Connection from 'kafkajs/src/network/connection.js';
  import type Encoder from 'kafkajs/src/protocol/encoder.js';

  /** A request of the Kafka protocol, and the decoder of its response. */
  export interface ProtocolRequest<T> {
    readonly request: {
      readonly apiKey: number;
      readonly apiVersion: number;
      readonly apiName: string;
      readonly encode: () => Promise<Encoder>;
    };
    readonly response: {
      readonly decode: (answer: Buffer) => Promise<T>;
      readonly parse: (decoded: T) => Promise<T>;
    };
  }

  export interface Broker {
    readonly nodeId: string;
    readonly brokerAddress: string;
    /** The supported versions by API key. */
    readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>>;
    readonly connectionPool: {
      send: <T>(request: ProtocolRequest<T>) => Promise<T>;
      /** Returns a connected connection. */
      getConnectionByRequest: (asked: { request: { readonly apiKey: number } }) => Promise<Connection>;
    };
    findGroupCoordinator(asked: CoordinatorAsked): Promise<unknown>;
  }

  /** The key of a FindCoordinator request: a group id, or a transactional id. */
  export interface CoordinatorAsked {
    readonly groupId: string;
    readonly coordinatorType: number;
  }

  export default class Cluster {
    constructor(
      options: Omit<KafkaConfig, 'logLevel' | 'logCreator'> & {
        readonly logger: unknown;
        readonly socketFactory: ISocketFactory;
        readonly metadataMaxAge: number;
        /** Of {@link fetchTopicsOffset}. */
        readonly isolationLevel: number;
        readonly allowAutoTopicCreation: boolean;
      },
    );
    readonly brokerPool: { readonly findConnectedBroker: () => Promise<Broker> };
    connect(): Promise<void>;
    disconnect(): Promise<void>;
    addTargetTopic(topic: string): Promise<void>;
    refreshMetadata(): Promise<void>;
    refreshMetadataIfNecessary(): Promise<void>;
    findLeaderForPartitions(topic: string, partitions: readonly number[]): Record<string, number[]>;
    /** A broker that accepts requests for the controller, and may forward them. */
    findControllerBroker(): Promise<Broker>;
    findBroker(asked: { readonly nodeId: string }): Promise<Broker>;
    /** Sends ListOffsets: the first offsets of partitions, or their ends for the isolation level. */
    fetchTopicsOffset(
      asked: readonly {
        readonly topic: string;
        readonly partitions: readonly { readonly partition: number }[];
        readonly fromBeginning: boolean;
      }[],
    ): Promise<{ readonly partitions: readonly { readonly partition: number; readonly offset: string }[] }[]>;
    /** Sends FindCoordinator on each call. */
    findGroupCoordinator(asked: CoordinatorAsked): Promise<Broker>;
  }
}

declare module 'kafkajs/src/broker/saslAuthenticator/plain.js' {
  import type { Mechanism } from 'kafkajs';

  /** kafkajs's implementation of SASL PLAIN. */
  export default function plainAuthenticator(login: {
    readonly username: string;
    readonly password: string;
  }): Mechanism['authenticationProvider'];
}

declare module 'kafkajs/src/network/socketFactory.js' {
  import type { ISocketFactory } from 'kafkajs';

  export default function socketFactory(): ISocketFactory;
}

declare module 'kafkajs/src/loggers/index.js' {
  import type { KafkaConfig } from 'kafkajs';

  /** Made to be handed on. */
  export interface ClientLogger {
    readonly namespace: unknown;
  }
  const loggers: {
    createLogger: (options: { level: number; logCreator: KafkaConfig['logCreator'] }) => ClientLogger;
  };
  export default loggers;
}

declare module 'kafkajs/src/protocol/encoder.js' {
  export default class Encoder {
    constructor(initialBytes?: number);
    readonly buffer: Buffer;
    writeBuffer(bytes: Buffer): this;
    writeBytes(bytes: Buffer): this;
    writeInt8(value: number): this;
    writeInt16(value: number): this;
    writeInt32(value: number): this;
    writeInt64(value: bigint): this;
    writeString(text: string): this;
    writeUVarIntString(text: string): this;
  }
}

declare module 'kafkajs/src/protocol/decoder.js' {
  export default class Decoder {
    constructor(bytes: Buffer);
    readInt16(): number;
    readInt32(): number;
    readInt64(): bigint;
    readString(): string | null;
    readArray<T>(read: (decoder: Decoder) => T): T[];
    readUVarInt(): number;
    readUVarIntString(): string | null;
    readUVarIntArray(read: (decoder: Decoder) => void): unknown;
    readTaggedFields(): unknown;
    /** @param length Read from the buffer if not given; -1 is null. */
    readBytes(length: number): Buffer;
    readBytes(): Buffer | null;
  }
}

declare module 'kafkajs/src/protocol/error.js' {
  /** Creates the error for an error code; `retriable` tells whether it is transient. */
  export function createErrorFromCode(code: number): Error;
}

declare module 'kafkajs/src/network/connection.js' {
  import type { Socket } from 'node:net';

  export default class Connection {
    readonly host: string;
    readonly port: number;
    readonly clientId: string;
    /** The current socket; replaced on reconnect. */
    readonly socket: Socket;
    /** Chunks of an incomplete response, which can be empty, and their total size. */
    chunks: Buffer[];
    readonly bytesBuffered: number;
    readonly requestQueue: {
      push: (request: {
        readonly entry: {
          readonly apiKey: number;
          readonly apiName: string;
          readonly apiVersion: number;
          readonly correlationId: number;
          readonly resolve: (answer: { readonly payload: Buffer }) => void;
          readonly reject: (error: Error) => void;
        };
        readonly expectResponse: boolean;
        readonly requestTimeout: number | null;
        readonly sendRequest: () => void;
      }) => void;
    };
    /** Does nothing without SASL, or while the session is valid. */
    authenticate(): Promise<void>;
    failIfNotConnected(): void;
    nextCorrelationId(): number;
    send: (this: Connection, asked: { readonly request: { readonly apiName: string } }) => Promise<unknown>;
  }
}

declare module 'kafkajs/src/producer/eosManager/index.js' {
  import type Cluster from 'kafkajs/src/cluster/index.js';
  import type { ClientLogger } from 'kafkajs/src/loggers/index.js';

  /** The part of a cluster that transactions use. */
  export type CoordinatorFinder = Pick<Cluster, 'refreshMetadataIfNecessary' | 'findGroupCoordinator'>;

  /** The state of a transactional producer, and its requests to the coordinator. */
  export interface EosManager {
    initProducerId(): Promise<void>;
    /** In decimal digits. */
    getProducerId(): string;
    getProducerEpoch(): number;
    getSequence(topic: string, partition: number): number;
    updateSequence(topic: string, partition: number, messages: number): void;
    beginTransaction(): void;
    addPartitionsToTransaction(
      topics: readonly { topic: string; partitions: readonly { partition: number }[] }[],
    ): Promise<void>;
    isInTransaction(): boolean;
    commit(): Promise<void>;
    abort(): Promise<void>;
  }

  export default function createEosManager(options: {
    readonly logger: ClientLogger;
    readonly cluster: CoordinatorFinder;
    readonly transactionTimeout: number;
    readonly transactional: boolean;
    readonly transactionalId: string;
  }): EosManager;
}

declare module 'kafkajs/src/protocol/requests/produce/v3/response.js' {
  import type { ProtocolRequest } from 'kafkajs/src/cluster/index.js';

  export interface ProduceAnswer {
    readonly topics: readonly {
      readonly partitions: readonly { readonly partition: number; readonly baseOffset: string }[];
    }[];
  }

  const response: ProtocolRequest<ProduceAnswer>['response'];
  export default response;
}

declare module 'kafkajs/src/protocol/requests/createTopics/v2/request.js' {
  import type { ProtocolRequest } from 'kafkajs/src/cluster/index.js';

  export default function request(asked: {
    readonly topics: readonly {
      readonly topic: string;
      readonly numPartitions: number;
      readonly replicationFactor: number;
      readonly configEntries: readonly { readonly name: string; readonly value: string }[];
    }[];
    readonly validateOnly: boolean;
  }): ProtocolRequest<unknown>['request'];
}

declare module 'kafkajs/src/protocol/requests/createTopics/v2/response.js' {
  import type { ProtocolRequest } from 'kafkajs/src/cluster/index.js';

  export interface CreateTopicsAnswer {
    readonly topicErrors: readonly {
      readonly topic: string;
      /** 0 for none. */
      readonly errorCode: number;
      readonly errorMessage: string | null;
    }[];
  }

  const response: ProtocolRequest<CreateTopicsAnswer>['response'];
  export default response;
}
