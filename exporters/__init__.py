"""The program: one engine, and one small room per exporter that starts it with its contract.

In: JSONL files and a contract. Out: Prometheus metrics over HTTP, or once on standard output. Watch-only: nothing in
here can place, change or cancel an order.
"""
