"""Bytes -> batch -> events -> updates -> state -> one commit -> scrape. No stage knows another; `run` sees them all."""
