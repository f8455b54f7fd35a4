"""Batches of lines -> events: a line is one event or one refusal, and an odd field costs itself alone.

`decoder` decodes a batch line by line; `tokens` gives JSON for numbers that are none, `misfits` replaces values of
kinds that their fields cannot have.
"""

from exporters.engine.decode.decoder import Decoder

__all__ = ["Decoder"]
