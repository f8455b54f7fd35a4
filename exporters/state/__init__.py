"""`peaktrade state`: what an exporter has kept, for an operator to read or to throw away."""
