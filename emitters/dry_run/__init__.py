"""The dry run: a trading session against a mock broker, from a seed, in n steps and to an end.

`preflight` says whether it may start, `orchestrator` does the steps, `mock_broker` stands in for an exchange, `desk`
gives it commands with bounded retries, `rails` stop what goes too far, `reconciler` compares own orders with the
broker's, `audit`, `teller` and `journal` write down what happened, `exporter` asks the real exporters what they make of
it, `snapshots` says how it ended. It shares no code with the exporters, and nothing in it can reach an exchange: the
broker is a module here.
"""

__all__: list[str] = []
