"""A job speaks to its exporter as that serves: plain http, or https with what is needed to trust and to enter.

An exporter serves http until it is started with `--web.config.file`. A job with `scheme: https` says so by a
`tls_config`; a password or token over plain http to another machine can be read on the way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from contracts.compiler.document import quote
from contracts.lint.finding import Claim, Severity
from contracts.lint.inputs.scrape_files import Job
from contracts.lint.inputs.tree import Tree

__all__ = ["SEVERITY", "check"]

SEVERITY: Severity = "error"

_HERE = re.compile(r"^(localhost|127\.[\d.]+|\[::1\]|host\.docker\.internal)(:|$)")
_SECRETS = ("basic_auth", "authorization", "oauth2", "bearer_token", "bearer_token_file")


def check(tree: Tree) -> Iterator[Claim]:
    """Yield jobs whose scheme does not fit."""
    ours = {contract.job for contract in tree.contracts}
    for scrape in tree.scrapes:
        for job in scrape.jobs:
            problem = _problem(job, job.name in ours)
            if problem:
                yield job.place.at(job.node.at("scheme").line), f"the job {quote(job.name)} {problem}"


def _problem(job: Job, is_ours: bool) -> str:
    scheme = job.node.text_of("scheme", "http")
    if scheme not in ("http", "https"):
        return f"has no scheme Prometheus knows (got {quote(scheme)}, expected http or https); correct it"
    if scheme == "https" and is_ours and not job.node.get("tls_config"):
        what = "asks by https, without saying whom to trust (expected tls_config)"
        return f"{what}; add it, or delete scheme if the exporter runs without --web.config.file"
    if scheme == "http" and job.node.get("tls_config"):
        return "has a tls_config and asks by http, which does not use it; write scheme: https"
    away = [target for target in job.targets if not _HERE.match(target)]
    secret = next((key for key in _SECRETS if job.node.get(key)), "")
    if scheme == "http" and secret and away:
        return f"sends {secret} in the clear to {quote(away[0])}; write scheme: https"
    return ""
