"""The whole path on one machine: emitters -> files -> exporters -> Prometheus, started, watched, checked and stopped.

In: the contracts and, where there is one, a Prometheus binary. Out: a live table and, with --check, a verdict. Starts
processes and asks them over loopback HTTP; shares no code with the engine it watches.
"""
