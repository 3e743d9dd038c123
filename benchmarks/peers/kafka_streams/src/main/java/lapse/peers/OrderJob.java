package lapse.peers;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.module.blackbird.BlackbirdModule;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.BytesDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The small job of the benchmark on Kafka Streams: decode an order, update the customer's row, exactly once.
 *
 * <p>Arguments: bootstrap servers, application id (also the group), state directory, threads. The row and the
 * arithmetic are those of small_job.py, to the byte.
 */
public final class OrderJob {
  static final String STORE = "rows";
  static final int ROW_BYTES = 383;

  public static void main(String[] args) {
    Topology topology =
        new Topology()
            .addSource("events", new BytesDeserializer(), new ByteArrayDeserializer(), "customer.events")
            .addProcessor("update", Update::new, "events")
            .addStateStore(
                // the Processor API with byte keys and values: no serde, no timestamped store, no record cache to fill
                // (customers hardly come twice within a commit interval, so a cache would only cost; tried both)
                Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(STORE), Serdes.Bytes(), Serdes.ByteArray())
                    .withLoggingEnabled(Map.of())
                    .withCachingDisabled(),
                "update");
    KafkaStreams streams = new KafkaStreams(topology, settings(args));
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(10))));
    streams.start();
  }

  private static Properties settings(String[] args) {
    Properties p = new Properties();
    p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
    p.put(StreamsConfig.APPLICATION_ID_CONFIG, args[1]);
    p.put(StreamsConfig.STATE_DIR_CONFIG, args[2]);
    p.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, Integer.parseInt(args[3]));
    p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    p.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100); // the default with exactly once
    p.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    p.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 10_000);
    p.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, RocksSettings.class);
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 10_000);
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 4 << 20);
    p.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
    p.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 << 10);
    p.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 128L << 20);
    return p;
  }

  /** What the job reads of an order; the rest of the event is skipped. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Order(
      String id, String type, String customer_id, String time, String order_id, BigDecimal amount, String currency) {}

  private static final class Update implements Processor<Bytes, byte[], Void, Void> {
    private final ObjectReader reader =
        JsonMapper.builder().addModule(new BlackbirdModule()).build().readerFor(Order.class);
    private KeyValueStore<Bytes, byte[]> rows;

    @Override
    public void init(ProcessorContext<Void, Void> context) {
      rows = context.getStateStore(STORE);
    }

    @Override
    public void process(Record<Bytes, byte[]> event) {
      Order order;
      try {
        order = reader.readValue(event.value());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      long timeMs = Instant.parse(order.time()).toEpochMilli();
      long amount = order.amount().movePointRight(2).longValueExact();
      byte[] bytes = rows.get(event.key());
      if (bytes == null) {
        bytes = new byte[ROW_BYTES];
      }
      update(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN), timeMs, amount);
      rows.put(event.key(), bytes);
    }

    /** first, last, orders, revenue; weight, mean and spread of the log gaps, the old ones fading. */
    private static void update(ByteBuffer row, long timeMs, long amount) {
      long orders = row.getLong(16);
      if (orders == 0) {
        row.putLong(0, timeMs);
      } else {
        double gapDays = Math.max((timeMs - row.getLong(8)) / 86_400_000.0, 1.0);
        double before = 0.9 * row.getDouble(32);
        double weight = before + 1.0;
        double mean = row.getDouble(40);
        double d = Math.log(gapDays) - mean;
        row.putDouble(32, weight);
        row.putDouble(40, mean + d / weight);
        row.putDouble(48, 0.9 * row.getDouble(48) + d * d * before / weight);
      }
      row.putLong(8, timeMs);
      row.putLong(16, orders + 1);
      row.putLong(24, row.getLong(24) + amount);
    }
  }
}
