"""Starts the shadow_mvs exporter: `python -m exporters.shadow_mvs`."""

from exporters.commands.export import room

if __name__ == "__main__":
    room("shadow_mvs")(prog_name="python -m exporters.shadow_mvs")
