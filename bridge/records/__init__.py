"""Turns Kafka's bytes into a record of the work topic, or into the reason why they are not one."""
