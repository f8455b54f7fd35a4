"""The series' values: a working copy that batches move, and a committed copy that scrapes see."""

from exporters.engine.series.one import Series
from exporters.engine.series.table import Applied, Overflow, SeriesTable

__all__ = ["Applied", "Overflow", "Series", "SeriesTable"]
