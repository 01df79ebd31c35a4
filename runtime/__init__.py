"""What every process needs: settings, logs, metrics, Kafka, the control topic and the stream core. Forbidden to pure cores."""
