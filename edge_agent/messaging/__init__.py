"""Speaking MQTT: topics, payloads, the durable outbox and the publisher."""
