"""The rules: one module each, `<area>_<name>.py` is the rule `area/name`; see contracts.lint.check."""
