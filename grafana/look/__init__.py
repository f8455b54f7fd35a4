"""What an operator sees of a board, before there is a Grafana: drawn in a browser, or read without one.

In: a dashboard's JSON and the address of a Prometheus that has data. Out: a picture, and for every panel its texts and
colours. Both are computed by Grafana's own front-end libraries, which `tools` installs once; only drawing needs a
browser.
"""
