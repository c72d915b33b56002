import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Branched;

/** The detector's work on Kafka Streams, exactly once, with one thread. JSON is read by Jackson, the amount alone. */
public final class Router {
    private static final double THRESHOLD = 900;
    private static final Map<String, String> ENVIRONMENT = System.getenv();
    private static final ObjectReader READER = new ObjectMapper().readerFor(Amount.class);

    /** All that the routing looks at. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    public record Amount(double amount) {}

    private Router() {}

    public static void main(String[] arguments) throws IOException {
        KafkaStreams streams = new KafkaStreams(topology(), settings());
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
    }

    private static Topology topology() {
        StreamsBuilder builder = new StreamsBuilder();
        builder.<byte[], byte[]>stream(ENVIRONMENT.get("TRANSACTIONS_TOPIC"))
                .split()
                .branch((key, value) -> isFraud(value),
                        Branched.withConsumer(fraud -> fraud.to(ENVIRONMENT.get("FRAUD_TOPIC"))))
                .defaultBranch(Branched.withConsumer(legit -> legit.to(ENVIRONMENT.get("LEGIT_TOPIC"))));
        return builder.build();
    }

    private static boolean isFraud(byte[] value) {
        try {
            return READER.<Amount>readValue(value).amount() > THRESHOLD;
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    private static Properties settings() throws IOException {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, ENVIRONMENT.get("CONSUMER_GROUP"));
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, ENVIRONMENT.get("KAFKA_BOOTSTRAP_SERVERS"));
        settings.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
        settings.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.ByteArraySerde.class);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, Files.createTempDirectory(Path.of(""), "state-").toString());
        return settings;
    }
}
