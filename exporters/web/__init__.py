"""Who may connect and ask: TLS and passwords for every page of ours, by one file.

In: a file in the format of Prometheus' exporter-toolkit (`--web.config.file`). Out: a TLS context and an application
that asks for a password. `config` reads the file, `certificates` makes contexts, `passwords` compares, `access` keeps
all of it up to date.
"""
