"""Documents in, classified messages out. `document` and `progress` are pure; the rest talks to Kafka."""
