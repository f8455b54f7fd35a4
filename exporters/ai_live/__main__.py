"""Starts the ai_live exporter: `python -m exporters.ai_live`."""

from exporters.commands.export import room

if __name__ == "__main__":
    room("ai_live")(prog_name="python -m exporters.ai_live")
