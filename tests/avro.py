"""The stock Avro deserialiser of confluent-kafka, with a collector as its schema registry."""

import warnings
from typing import Any


def deserialise(registry_url: str, topic: str, value: bytes | None) -> dict[str, Any]:
    """One record's value, read as a consumer outside this project would read it."""
    with warnings.catch_warnings(
        record=True
    ) as raised:  # a library behind it warns of its own future on import
        from confluent_kafka.schema_registry import SchemaRegistryClient
        from confluent_kafka.schema_registry.avro import AvroDeserializer
        from confluent_kafka.serialization import MessageField, SerializationContext
    assert all("authlib" in warning.filename for warning in raised)
    with SchemaRegistryClient({"url": registry_url}) as registry:
        record: dict[str, Any] = AvroDeserializer(registry)(
            value, SerializationContext(topic, MessageField.VALUE)
        )
    return record
