"""People's answers to alerts: the record in Kafka and the silence in Alertmanager agree. What an answer says and
how an alert is shown is not here but in `alerting.evidence`.
"""
