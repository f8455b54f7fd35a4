"""The room of the ai_live exporter; its promise stands in contracts/ai_live.yaml."""
