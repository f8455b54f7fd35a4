"""What people type: `export`, `demo`, `verify`, `state`, and the settings they share.

In: flags and environment. Out: exit codes and text for a person. A command wires the engine, it never does its work.
"""
