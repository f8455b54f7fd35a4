"""Two stages of one thing, joined by id: intent -> ack gives a latency.

Promise: each edge is counted once as joined, orphan, repeated or negative, in bounded memory, through restarts.
`joiner` joins event by event, `bulk` whole batches; `segments` is how what is remembered of ids goes to disk without
a row for each.
"""
