"""Avro on Kafka: the forms of records, written, read and told to other clients."""
