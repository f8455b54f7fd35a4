"""The room of the execution_watch exporter; its promise stands in contracts/execution_watch.yaml."""
