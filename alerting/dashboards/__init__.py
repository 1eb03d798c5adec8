"""Grafana's dashboards as code, so that they share their queries and panels.
Nothing that runs in production imports it.

    python -m alerting.dashboards

writes `alerting/grafana/dashboards`. Only this command needs grafana-foundation-sdk; Grafana reads the JSON files.
"""
