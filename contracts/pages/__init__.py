"""What is written about contracts: METRICS.md, the reference of the format, `contract show`.

Promise: every page is made from the model, so that it cannot say anything else than the engine does.
"""
