"""The law: one YAML per exporter says which events are read and which metrics come out.

In: contract files. Out: frozen `Contract` values (model.py), or every fault found, each with file, line and remedy.
This package knows nothing of tailing, HTTP or any single exporter.
"""
