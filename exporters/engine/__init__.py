"""Bytes -> batch -> events -> updates -> state -> one commit -> scrape. No stage knows another; only `run` sees all."""
