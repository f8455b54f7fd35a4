"""What a PromQL query says: its syntax, which series it selects, and the unit and range of what it gives.

Promise: only what follows from the query and the contracts is inferred; what is not known stays unknown.
"""
