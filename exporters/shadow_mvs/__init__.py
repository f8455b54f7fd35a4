"""The room of the shadow_mvs exporter; its promise stands in contracts/shadow_mvs.yaml."""
