// The keyed-state task in Kafka Streams' processor API, as its documentation builds one: count and sum per user in RocksDB with a
// changelog, one JSON answer an event. Settings that are not about the task are Kafka Streams' own defaults.
//
//   KeyedState BOOTSTRAP APPLICATION IN OUT STATE_DIR THREADS GUARANTEE single|array
//
// Prints "ready" when its threads run, and ends with its standard input.

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.ObjectWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

public final class KeyedState {
    private static final String STORE = "totals";

    @JsonIgnoreProperties(ignoreUnknown = true)
    public record Event(String messageId, String userId, long amount) {}

    public record Answer(String messageId, String userId, long count, long total) {}

    public record Totals(long count, long total) {
        static final Serializer<Totals> WRITE =
            (topic, found) -> found == null ? null : ByteBuffer.allocate(16).putLong(found.count).putLong(found.total).array();
        static final Deserializer<Totals> READ = (topic, bytes) -> {
            if (bytes == null) {
                return null;
            }
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            return new Totals(buffer.getLong(), buffer.getLong());
        };
    }

    static final class Count implements Processor<byte[], byte[], String, byte[]> {
        private final ObjectReader one = new ObjectMapper().readerFor(Event.class);
        private final ObjectReader many = new ObjectMapper().readerFor(Event[].class);
        private final ObjectWriter answer = new ObjectMapper().writerFor(Answer.class);
        private final boolean arrays;
        private ProcessorContext<String, byte[]> context;
        private KeyValueStore<String, Totals> store;

        Count(boolean arrays) {
            this.arrays = arrays;
        }

        @Override
        public void init(ProcessorContext<String, byte[]> context) {
            this.context = context;
            this.store = context.getStateStore(STORE);
        }

        @Override
        public void process(Record<byte[], byte[]> record) {
            try {
                if (arrays) {
                    for (Event event : many.<Event[]>readValue(record.value())) {
                        count(record, event);
                    }
                } else {
                    count(record, one.readValue(record.value()));
                }
            } catch (IOException error) {
                throw new IllegalArgumentException(error);
            }
        }

        private void count(Record<byte[], byte[]> record, Event event) throws JsonProcessingException {
            Totals before = store.get(event.userId());
            Totals now = before == null
                ? new Totals(1, event.amount())
                : new Totals(before.count() + 1, before.total() + event.amount());
            store.put(event.userId(), now);
            byte[] value = answer.writeValueAsBytes(new Answer(event.messageId(), event.userId(), now.count(), now.total()));
            context.forward(new Record<>(event.userId(), value, record.timestamp()));
        }
    }

    private static Topology topology(String in, String out, boolean arrays) {
        Serde<Totals> totals = Serdes.serdeFrom(Totals.WRITE, Totals.READ);
        return new Topology()
            .addSource("in", new ByteArrayDeserializer(), new ByteArrayDeserializer(), in)
            .addProcessor("count", () -> new Count(arrays), "in")
            .addStateStore(
                Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(STORE), Serdes.String(), totals).withCachingEnabled(),
                "count")
            .addSink("out", out, new StringSerializer(), new ByteArraySerializer(), "count");
    }

    public static void main(String[] arguments) throws IOException {
        List<String> given = List.of(arguments);
        Properties settings = new Properties();
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, given.get(0));
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, given.get(1));
        settings.put(StreamsConfig.STATE_DIR_CONFIG, given.get(4));
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, given.get(5));
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, given.get(6));
        settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        KafkaStreams streams = new KafkaStreams(topology(given.get(2), given.get(3), given.get(7).equals("array")), settings);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.setStateListener((now, before) -> {
            if (now == KafkaStreams.State.RUNNING) {
                System.out.println("ready");
            }
        });
        streams.start();
        while (System.in.read() >= 0) {
            continue;
        }
        streams.close();
    }
}
