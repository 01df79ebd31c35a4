"""The real engines on one machine, with pip alone: Apache Kafka on a Java wheel, ClickHouse in a process of ours."""
