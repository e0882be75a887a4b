import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Kafka's own client, told what to do by lines on standard input. Words are parted by spaces, bytes are in base64,
 * and "-" is none. Each line is answered by "ok" when it is done.
 *
 *   open NAME SETTING=VALUE...
 *   send NAME TOPIC PARTITION TIMESTAMP KEY VALUE HEADER=VALUE...
 *   begin NAME | commit NAME | abort NAME | flush NAME
 */
public final class JavaProducer {
  private static final String NONE = "-";
  private final Map<String, Producer<byte[], byte[]>> producers = new HashMap<>();
  private final Map<String, Future<?>> last = new HashMap<>();

  public static void main(String[] unused) throws Exception {
    JavaProducer commands = new JavaProducer();
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      commands.run(line.split(" ", -1));
      System.out.println("ok");
    }
  }

  private void run(String[] words) throws Exception {
    String name = words[1];
    switch (words[0]) {
      case "open" -> producers.put(name, open(words));
      case "send" -> last.put(name, producers.get(name).send(recordOf(words)));
      case "begin" -> producers.get(name).beginTransaction();
      case "commit" -> producers.get(name).commitTransaction();
      case "abort" -> producers.get(name).abortTransaction();
      case "flush" -> {
        producers.get(name).flush();
        last.get(name).get();
      }
      default -> throw new IllegalArgumentException(words[0]);
    }
  }

  private static Producer<byte[], byte[]> open(String[] words) {
    Properties settings = new Properties();
    for (int at = 2; at < words.length; at++) {
      String[] pair = words[at].split("=", 2);
      settings.setProperty(pair[0], pair[1]);
    }
    Producer<byte[], byte[]> producer =
        new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    if (settings.containsKey("transactional.id")) producer.initTransactions();
    return producer;
  }

  private static ProducerRecord<byte[], byte[]> recordOf(String[] words) {
    Integer partition = words[3].equals(NONE) ? null : Integer.valueOf(words[3]);
    Long timestamp = words[4].equals(NONE) ? null : Long.valueOf(words[4]);
    ProducerRecord<byte[], byte[]> record =
        new ProducerRecord<>(words[2], partition, timestamp, bytes(words[5]), bytes(words[6]));
    for (int at = 7; at < words.length; at++) {
      String[] pair = words[at].split("=", 2);
      record.headers().add(new String(bytes(pair[0]), StandardCharsets.UTF_8), bytes(pair[1]));
    }
    return record;
  }

  private static byte[] bytes(String word) {
    return word.equals(NONE) ? null : Base64.getUrlDecoder().decode(word);
  }
}
