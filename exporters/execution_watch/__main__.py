"""Starts the execution_watch exporter: `python -m exporters.execution_watch`."""

from exporters.commands.export import room

if __name__ == "__main__":
    room("execution_watch")(prog_name="python -m exporters.execution_watch")
