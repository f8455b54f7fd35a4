"""The window: watch-only pages and an API over what runs, sessions and exporters leave in files.

In: folders of artefacts. Out: HTTP, for reading alone. What has been read is kept in an index (`index/`), so that an
answer costs what it shows; `sources` says which file is what, `lines` and `steps` what a line says. Nothing here writes
but the index and, where it is wanted, one line per API request for the execution_watch exporter.
"""

__all__: list[str] = []
