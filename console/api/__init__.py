"""The API: every route with its parameters, limits, order and codes, written down once each.

`endpoint` says what a route is, `parameters` reads what was asked; `live`, `runs_v0`, `sessions`, `execution_v0` and
`execution` are the routes by the document they come from, `routes` lists them all, `openapi` describes them,
`following` keeps clients informed by server-sent events. Handlers take a view and what was asked, and return plain
values; they know nothing of HTTP beyond a status.
"""

__all__: list[str] = []
