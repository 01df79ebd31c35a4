"""From topics into ClickHouse: confluent-kafka loops whose commit order is ours."""
