"""`peaktrade reconcile`: own orders against a broker's export, once, reading files only.

In: ledger files and one export. Out: a report, an exit code and, if asked for, events. `ledger`, `kraken` and
`mock_broker` read, `orders` is what they read into, `compare` judges, `report` says.
"""

__all__: list[str] = []
