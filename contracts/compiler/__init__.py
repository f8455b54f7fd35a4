"""YAML in, `Contract` out: all faults at once, each with file, line, path and remedy.

Promise: after a contract has been built nothing about it can fail. `document` knows where everything stands, `shape`
and `format` say which keys there are, the rest builds its part of the model; `build` puts the parts together.
"""
