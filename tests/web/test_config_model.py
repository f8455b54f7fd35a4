"""Any web configuration: accepted or refused with a sentence, and what is accepted here promtool accepts too."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.budget import amount
from tests.web.test_config import HASH, complaint, promtool, write

pytestmark = [pytest.mark.needs("openssl", "promtool"), pytest.mark.slow]

ANY: tuple[Any, ...] = (None, True, 0, 1.5, "", "x", [], ["x"], {}, {"x": "y"}, "TLS12", "one.pem", "$2y$", "yes")
LIKELY: Mapping[str, tuple[Any, ...]] = {
    "cert_file": ("one.pem", "one.pem", "one.pem", "two.pem", "none.pem"),
    "key_file": ("one.key", "one.key", "one.key", "two.key", "one.pem"),
    "client_ca_file": ("two.pem", "two.pem", "none.pem", "one.key"),
    "client_auth_type": ("RequireAndVerifyClientCert", "VerifyClientCertIfGiven", "NoClientCert", "RequestClientCert"),
    "min_version": ("TLS10", "TLS11", "TLS12", "TLS13"),
    "max_version": ("TLS12", "TLS13"),
    "prefer_server_cipher_suites": (True, False),
    "cipher_suites": (["TLS_AES_128_GCM_SHA256"],),
    "http2": (True, False),
    "X-Frame-Options": ("deny", "sameorigin", "no"),
    "X-Content-Type-Options": ("nosniff", "sniff"),
    "Content-Security-Policy": ("default-src 'none'", "é"),
    "one": (HASH, HASH, HASH, "secret"),
    "two": (HASH,),
    "unknown": ("x",),
}
PARTS: Mapping[str, tuple[str, ...]] = {
    "tls_server_config": tuple(LIKELY)[:8],
    "headers": ("X-Frame-Options", "X-Content-Type-Options", "Content-Security-Policy"),
    "basic_auth_users": ("one", "two"),
}


def drawn(seed: int) -> str:
    """Return a configuration as YAML, likely a good one, with something odd in most."""
    draw = random.Random(seed)

    def part(name: str) -> Any:
        if draw.random() < 0.05:
            return draw.choice(ANY)
        needed = ("cert_file", "key_file") if name == "tls_server_config" and draw.random() < 0.8 else ()
        keys = [key for key in PARTS[name] if key in needed or draw.random() < 0.25]
        keys += ["unknown"] if draw.random() < 0.05 else []
        return {key: draw.choice(ANY if draw.random() < 0.08 else LIKELY[key]) for key in keys}

    config: dict[str, Any] = {name: part(name) for name in PARTS if name != "headers" and draw.random() < 0.7}
    if draw.random() < 0.3:
        config["http_server_config"] = {"headers": part("headers"), "http2": draw.choice((True, False))}
    return json.dumps(config)


def test_what_is_accepted_promtool_accepts_and_nothing_ends_in_a_traceback(folder: Path) -> None:
    verdicts = []
    for seed in range(amount(80, 5000)):
        text = drawn(seed)
        path = write(folder, text)
        said = complaint(path)
        verdicts.append(not said)
        assert said or promtool(path), f"seed {seed}: accepted here alone: {text}"
        assert all(line.startswith(f"{path}:") for line in said.splitlines()), f"seed {seed}: {said}"
    assert 0.1 < sum(verdicts) / len(verdicts) < 0.9, "both happen"


def test_damaged_files_end_in_a_sentence(folder: Path) -> None:
    whole = (
        f"tls_server_config: {{cert_file: one.pem, key_file: one.key}}\nbasic_auth_users: {{one: {HASH}}}\n".encode()
    )
    draw = random.Random(1)
    for _ in range(amount(150, 20000)):
        damaged = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            at = draw.randrange(len(damaged))
            damaged[at : at + draw.randint(0, 3)] = bytes(
                draw.choices(b"{}[]:,-#&*!|>'\"%@`\n\t \x00\xffa1", k=draw.randint(0, 3))
            )
        path = folder / "web.yml"
        path.write_bytes(bytes(damaged))
        assert isinstance(complaint(path), str)
