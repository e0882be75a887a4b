/** The private modules of kafkajs 2.2.4 that tests use, to decode what the project encodes. */
declare module 'kafkajs/src/protocol/recordBatch/v0/decoder.js' {
  import type Decoder from 'kafkajs/src/protocol/decoder.js';

  export interface DecodedBatch {
    readonly producerId: string;
    readonly producerEpoch: number;
    readonly firstSequence: number;
    readonly inTransaction: boolean;
    readonly records: readonly {
      readonly offset: string;
      readonly timestamp: string;
      readonly key: Buffer | null;
      readonly value: Buffer | null;
      readonly headers: Readonly<Record<string, Buffer | Buffer[]>>;
    }[];
  }

  export default function decode(decoder: Decoder): Promise<DecodedBatch>;
}
