"""Contracts -> Grafana dashboards: `python -m grafana.build` writes the JSON below grafana/dashboards.

In: the contracts and the exporters' metrics about themselves. Out: one classic dashboard per board. Names, labels,
label values, units and help texts come from there alone; a name that stands in no contract ends the build. Nothing
here talks to Grafana or Prometheus.
"""
