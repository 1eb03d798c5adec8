"""When to alert, and how an alert reaches people. It knows no Kafka and no model."""
