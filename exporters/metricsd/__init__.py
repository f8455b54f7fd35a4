"""The always-on target of sessions; its promise is contracts/metricsd.yaml."""

__all__: list[str] = []
