"""Committed values out over HTTP: text or OpenMetrics, read-only.

Promise: a page shows committed values only, and every line appended before the scrape began. `render` makes the text,
`serve` answers HTTP, `scrape_queue` is where a scrape waits for its turn of the loop.
"""
