"""Grafana's dashboards, made by code so that what they share cannot drift apart.

    python -m alerting.dashboards

writes `alerting/grafana/dashboards`. Only this needs grafana-foundation-sdk; Grafana reads the JSON.
"""
