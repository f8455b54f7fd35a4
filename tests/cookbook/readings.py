"""Each recipe read by hand: for every event, what a person would say it counts."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from tests.cookbook.counted import Counted, between, class_of, seconds

__all__ = ["READINGS"]

Event = dict[str, Any]


def caddy(page: Counted, event: Event) -> None:
    if event["msg"] != "handled request":
        return
    host, status = event["request"]["host"].lower(), f"{event['status'] // 100}xx"
    method = event["request"]["method"]
    method = method if method in ("GET", "POST", "PUT", "DELETE", "HEAD") else "other"
    page.add("caddy_requests_total", method=method, status=status)
    page.add("caddy_response_bytes_total", event["size"], host=host)
    page.observe("caddy_request_duration_seconds", event["duration"], (0.01, 0.1, 1), host=host)
    page.largest("caddy_last_request_timestamp_seconds", event["ts"])


def nginx(page: Counted, event: Event) -> None:
    method = event["request_method"] if event["request_method"] in ("GET", "POST", "HEAD", "") else "other"
    page.add("nginx_requests_total", method=method or "none", status=class_of(event["status"]))
    page.add("nginx_sent_bytes_total", int(event["body_bytes_sent"]))
    page.observe("nginx_request_seconds", float(event["request_time"]), (0.01, 0.1, 1))
    if event["upstream_response_time"] not in ("-", ""):
        page.observe("nginx_upstream_seconds", float(event["upstream_response_time"].split(", ")[-1]), (0.01, 0.1, 1))
    page.largest("nginx_last_request_timestamp_seconds", seconds(event["time_iso8601"]))


def traefik(page: Counted, event: Event) -> None:
    service = event["ServiceName"] or "none"
    page.add("traefik_requests_total", service=service, status=class_of(event["DownstreamStatus"]))
    page.add("traefik_retries_total", event["RetryAttempts"], service=service)
    page.observe("traefik_request_seconds", event["Duration"] * 1e-9, (0.005, 0.1, 1), service=service)
    page.largest("traefik_last_request_timestamp_seconds", seconds(event["StartUTC"]))


def structlog(page: Counted, event: Event) -> None:
    level = {"warn": "warning", "trace": "other"}.get(event["level"].lower(), event["level"].lower())
    page.add("structlog_events_total", level=level, exception=str("exception" in event).lower())
    page.add("structlog_named_events_total", event=event["event"].replace(" ", "_"))
    if "elapsed_ms" in event:
        page.observe("structlog_elapsed_seconds", float(event["elapsed_ms"]) * 0.001, (0.01, 0.1, 1))
    page.largest("structlog_last_event_timestamp_seconds", seconds(event["timestamp"]))


def pino(page: Counted, event: Event) -> None:
    levels = {10: "trace", 20: "debug", 30: "info", 40: "warn", 50: "error", 60: "fatal"}
    is_request = "responseTime" in event
    page.add("pino_lines_total", level=levels[event["level"]], source="request" if is_request else "line")
    if is_request:
        method = event["req"]["method"]
        method = method if method in ("GET", "POST", "PUT", "DELETE") else "other"
        page.add("pino_requests_total", method=method, status=class_of(event["res"]["statusCode"]))
        page.observe("pino_request_seconds", event["responseTime"] * 0.001, (0.01, 0.1, 1))
    page.largest("pino_last_line_timestamp_seconds", event["time"] / 1000)


def zerolog(page: Counted, event: Event) -> None:
    page.add("zerolog_lines_total", level=event.get("level", "other"))
    if "dur" in event:
        page.add("zerolog_calls_total", slow="slow" if event["dur"] >= 100 else "fast")
        page.observe("zerolog_call_seconds", event["dur"] * 0.001, (0.01, 0.1, 1))
    at = event["time"] if isinstance(event["time"], int) else seconds(event["time"])
    page.largest("zerolog_last_line_timestamp_seconds", at)


def journald(page: Counted, event: Event) -> None:
    names = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
    unit = event.get("_SYSTEMD_UNIT") or event.get("SYSLOG_IDENTIFIER") or "none"
    page.add("journald_messages_total", unit=unit, priority=names[int(event.get("PRIORITY", "6"))])
    if "CPU_USAGE_NSEC" in event:
        page.add("journald_unit_cpu_seconds_total", int(event["CPU_USAGE_NSEC"]) / 1e9, unit=unit)
    page.largest("journald_last_message_timestamp_seconds", int(event["__REALTIME_TIMESTAMP"]) / 1e6)


def kubernetes_audit(page: Counted, event: Event) -> None:
    if event["stage"] not in ("ResponseComplete", "Panic"):
        return
    decision = event["annotations"]["authorization.k8s.io/decision"]
    code, verb = class_of(event["responseStatus"]["code"]), event["verb"]
    page.add("kubernetes_audit_requests_total", verb=verb, code=code, decision=decision)
    page.add("kubernetes_audit_resource_requests_total", resource=event["objectRef"]["resource"])
    took = between(event["requestReceivedTimestamp"], event["stageTimestamp"])
    page.observe("kubernetes_audit_request_seconds", took, (0.01, 0.1, 1), verb=verb)
    page.largest("kubernetes_audit_last_request_timestamp_seconds", seconds(event["stageTimestamp"]))


def python_logging(page: Counted, event: Event) -> None:
    levels = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
    level = event["levelname"] if event["levelname"] in levels else "other"
    page.add("python_logging_lines_total", level=level, outcome="with_traceback" if "exc_info" in event else "plain")
    page.add("python_logging_logger_lines_total", logger=event["name"])
    words = event["message"].split()
    if "ms" in words:
        page.observe("python_logging_duration_seconds", float(words[words.index("ms") - 1]) * 0.001, (0.01, 0.1, 1))
    at = seconds(event["asctime"].replace(" ", "T").replace(",", ".") + "+01:00")
    page.largest("python_logging_last_line_timestamp_seconds", at)


def docker(page: Counted, event: Event) -> None:
    page.add("docker_lines_total", stream=event["stream"])
    page.largest("docker_last_line_timestamp_seconds", seconds(event["time"]))
    if not event["log"].startswith("{"):
        return
    line = json.loads(event["log"])
    if "level" in line:
        level = line["level"] if line["level"] in ("debug", "info", "warn", "error") else "other"
        page.add("docker_app_lines_total", stream=event["stream"], level=level)
    if "dur_ms" in line:
        page.observe("docker_app_duration_seconds", float(line["dur_ms"]) * 0.001, (0.01, 0.1, 1))


def otlp(page: Counted, event: Event) -> None:
    kinds = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
    for resource in event.get("resourceSpans", ()):
        for span in (span for scope in resource["scopeSpans"] for span in scope["spans"]):
            kind = kinds.get(span["kind"], "other")
            page.add("otlp_spans_total", kind=kind, status=("unset", "ok", "error")[span["status"].get("code", 0)])
            took = (int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])) / 1e9
            page.observe("otlp_span_seconds", took, (0.01, 0.1, 1), kind=kind)
            page.largest("otlp_last_span_timestamp_seconds", int(span["endTimeUnixNano"]) // 1000 / 1e6)
            for attribute in span["attributes"]:
                name = attribute["key"] if attribute["key"] in ("http.route", "db.system") else "other"
                page.add("otlp_span_attributes_total", attribute=name)


def cloudtrail(page: Counted, event: Event) -> None:
    for call in event["Records"]:
        service, who = call["eventSource"], call["userIdentity"]["type"]
        page.add("cloudtrail_calls_total", service=service, read_only=str(call["readOnly"]).lower())
        identity = who if who in ("IAMUser", "AssumedRole", "Root", "AWSService") else "other"
        page.add("cloudtrail_identity_calls_total", identity=identity, region=call["awsRegion"])
        if "errorCode" in call:
            page.add("cloudtrail_errors_total", service=service, error=call["errorCode"])
        for resource in call.get("resources", ()):
            page.add("cloudtrail_resources_total", resource=resource["type"])
        page.largest("cloudtrail_last_call_timestamp_seconds", seconds(call["eventTime"]))


def llm_trace(page: Counted, event: Event) -> None:
    if event["type"] == "user":
        content = event["message"]["content"]
        for part in content if isinstance(content, list) else ():
            if part["type"] == "tool_result":
                page.add("llm_tool_results_total", failed=str(part.get("is_error", False)).lower())
    if event["type"] != "assistant":
        return
    message = event["message"]
    model, stop = message["model"], message["stop_reason"]
    known = ("end_turn", "tool_use", "max_tokens", "stop_sequence")
    page.add("llm_answers_total", model=model, stop=stop if stop in known else "other")
    for part in message["content"]:
        if part["type"] == "tool_use":
            page.add("llm_tool_calls_total", model=model, tool=part["name"])
    usage = message["usage"]
    for kind, key in {"input": "input_tokens", "cached": "cache_read_input_tokens", "output": "output_tokens"}.items():
        page.add("llm_tokens_total", usage[key], model=model, kind=kind)
    page.add("llm_cost_usd_total", event.get("cost_usd", 0.0), model=model)


def peak_trade_intents(page: Counted, event: Event) -> None:
    action = event["intended_action"]
    side, blocked = action["intended_side"], str(action["safety_blocked"]).lower()
    page.add("peak_trade_intents_total", side=side, action=action["intent_action"], blocked=blocked)
    page.add("peak_trade_intended_quantity_total", float(action["intended_quantity"]), side=side)
    for reason in action["reason_codes"]:
        page.add("peak_trade_intent_reasons_total", reason=reason.lower())


def peak_trade_gates(page: Counted, event: Event) -> None:
    for gate, is_closed in event["gates"].items():
        page.add("peak_trade_gate_checks_total", gate=gate, state="closed" if is_closed else "open")
        page.put("peak_trade_gate_closed", float(is_closed), gate=gate)
    page.largest("peak_trade_gates_last_timestamp_seconds", seconds(event["ts"]))


def training(page: Counted, event: Event) -> None:
    if "_step" not in event:
        return
    page.largest("training_step", event["_step"])
    if "perf" in event:
        page.add("training_tokens_total", event["perf"]["tokens.step"])
    loss = event["train/loss"]
    if isinstance(loss, float) and not math.isnan(loss):
        page.put("training_loss", loss)
        page.smallest("training_lowest_loss", loss)
    page.put("training_learning_rate", event["train/lr"])
    if "eval/accuracy" in event:
        page.largest("training_best_accuracy_ratio", event["eval/accuracy"])
    page.largest("training_last_step_timestamp_seconds", event["_timestamp"])


def ccxt_trades(page: Counted, event: Event) -> None:
    if "symbol" not in event:
        return
    symbol = event["symbol"] if event["symbol"] in ("BTC/USDT", "ETH/USDT") else "other"
    page.add("ccxt_trades_total", symbol=symbol, side=event["side"], role=event["takerOrMaker"] or "taker")
    page.add("ccxt_traded_amount_total", event["amount"], symbol=symbol)
    page.add("ccxt_traded_cost_total", event["cost"], symbol=symbol, side=event["side"])
    page.add("ccxt_fees", event["fee"]["cost"], currency=event["fee"]["currency"])
    page.largest("ccxt_last_trade_timestamp_seconds", event["timestamp"] / 1000)


def hummingbot(page: Counted, event: Event) -> None:
    kind = next(
        name
        for part, name in {
            "Created": "created",
            "Filled": "filled",
            "Completed": "completed",
            "Cancelled": "cancelled",
            "Failure": "failed",
        }.items()
        if part in event["event_name"]
    )
    pair = event.get("trading_pair", "NONE")
    page.add("hummingbot_events_total", event=kind, pair=pair)
    if kind == "filled":
        side = event["trade_type"].lower()
        page.add("hummingbot_filled_amount_total", float(event["amount"]), pair=pair, side=side)
    page.add("hummingbot_open_orders", {"created": 1, "filled": 0}.get(kind, -1))
    page.largest("hummingbot_last_event_timestamp_seconds", event["ts"])


def freqtrade(page: Counted, event: Event) -> None:
    kinds = ("entry", "entry_fill", "entry_cancel", "exit", "exit_fill", "exit_cancel", "status", "warning")
    page.add("freqtrade_messages_total", kind=event["type"] if event["type"] in kinds else "other")
    if event["type"] == "entry_fill":
        page.add("freqtrade_open_trades")
    if event["type"] == "exit_fill":
        reasons = ("roi", "stop_loss", "trailing_stop_loss", "exit_signal", "force_exit")
        why = event["exit_reason"] if event["exit_reason"] in reasons else "other"
        page.add("freqtrade_closed_trades_total", why=why, gain=event["gain"])
        page.add("freqtrade_realized_profit", event["profit_amount"])
        page.smallest("freqtrade_worst_trade_profit", event["profit_amount"])
        page.add("freqtrade_pair_profit", event["profit_amount"], pair=event["pair"])
        page.add("freqtrade_open_trades", -1)


def peak_trade_equity(page: Counted, event: Event) -> None:
    run = event["file"].split("/")[1]
    page.add("peak_trade_equity_points_total", run=run)
    page.put("peak_trade_equity", float(event["equity"]), run=run)
    page.smallest("peak_trade_lowest_equity", float(event["equity"]), run=run)
    page.largest("peak_trade_peak_equity", float(event["peak_equity"]), run=run)
    page.put("peak_trade_drawdown_ratio", float(event["drawdown"]), run=run)
    page.largest("peak_trade_max_drawdown_ratio", float(event["drawdown"]), run=run)
    page.put("peak_trade_exposure", float(event["exposure"]), run=run)


READINGS: Mapping[str, Callable[[Counted, Event], None]] = {
    reading.__name__: reading
    for reading in (
        caddy,
        nginx,
        traefik,
        structlog,
        pino,
        zerolog,
        journald,
        kubernetes_audit,
        training,
        ccxt_trades,
        hummingbot,
        freqtrade,
        peak_trade_equity,
        python_logging,
        docker,
        otlp,
        cloudtrail,
        llm_trace,
        peak_trade_intents,
        peak_trade_gates,
    )
}
