"""The sender of actions: due firings to destinations over HTTP, SMTP and Kafka, each of them paced and fenced by itself."""
