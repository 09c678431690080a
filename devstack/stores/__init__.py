"""PostgreSQL, Redis and Apache Kafka: how each is found, set up and started."""
