"""Starts the metricsd exporter: `python -m exporters.metricsd`."""

from exporters.commands.export import room

if __name__ == "__main__":
    room("metricsd")(prog_name="python -m exporters.metricsd")
