"""The benchmark: our `--once` against what people use today, on the same files and the same metrics."""
