"""Grafana's dashboards, made by code so that what they share cannot drift apart.
Nothing that runs in production imports it.

    python -m alerting.dashboards

writes `alerting/grafana/dashboards`. Only this needs grafana-foundation-sdk; Grafana reads the JSON.
"""
