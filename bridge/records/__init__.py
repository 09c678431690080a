"""From Kafka's bytes to a record of the work topic, or the reason why it is not one."""
