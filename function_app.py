"""The triggers of the function app: decode, call Model Audit, and let errors rise so that the platform retries."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import azure.functions as func

from audit import wiring
from audit.errors import BadInput
from audit.moments import parse_moment
from audit.targets import parse_target

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

STORAGE = "MODEL_AUDIT_STORAGE"

# The pages hold text from outside: names, tags, reasons. Nothing in them may run or be fetched.
PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


# `str` is the one annotation that every version of the library decodes alike, for both event schemas.
@app.event_grid_trigger(arg_name="event")
def on_event(event: str) -> None:
    """Take one Event Grid message in."""
    wiring.intake().take(event)


@app.queue_trigger(arg_name="message", queue_name=wiring.CHECKS, connection=STORAGE)
def on_check(message: func.QueueMessage) -> None:
    """Check a target, or sweep a parent."""
    is_redelivered = (message.dequeue_count or 1) > 1
    wiring.sweeper().run(message.get_body().decode(), is_redelivered=is_redelivered)


@app.queue_trigger(arg_name="message", queue_name=wiring.ALERTS, connection=STORAGE)
def on_alert(message: func.QueueMessage) -> None:
    """Tell on-call what is owed for a parent."""
    wiring.notifier().run(message.get_body().decode(), str(message.id))


@app.timer_trigger(arg_name="timer", schedule="0 */15 * * * *")
def sweep(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger passes it
    """Ask for a sweep of every parent."""
    wiring.sweeper().sweep()


@app.timer_trigger(arg_name="timer", schedule="0 5 * * * *")
def remind(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger passes it
    """Remind of findings that have been open for long."""
    wiring.sweeper().remind()


@app.timer_trigger(arg_name="timer", schedule="0 0 6 * * 1")
def report(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger passes it
    """Write the weekly report, and forget the keys of events that cannot come again."""
    wiring.reporter().write_weekly()
    wiring.pruner().forget_events()


@app.route(route="report", methods=["GET"])
def report_page(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the trigger passes it
    """Show the report of the last seven days, as of now."""
    page = wiring.reporter().render_weekly()
    return func.HttpResponse(page, mimetype="text/html", charset="utf-8", headers=PAGE_HEADERS)


@app.route(route="findings", methods=["GET"])
def open_findings(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the trigger passes it
    """Return the open findings as JSON."""
    found = json.dumps(wiring.reporter().open_findings())
    return func.HttpResponse(found, mimetype="application/json", headers=PAGE_HEADERS)


@app.route(route="serving", methods=["GET"])
def serving_at(req: func.HttpRequest) -> func.HttpResponse:
    """Return what a target (`target`, its id; by default each) served at a moment (`at`; by default now)."""
    return _answer(req, _serving)


@app.route(route="history", methods=["GET"])
def history_of(req: func.HttpRequest) -> func.HttpResponse:
    """Return the life of a target (`target`, its id) in order, as JSON."""
    return _answer(req, _history)


@app.route(route="health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the trigger passes it
    """Answer that the app is up; it tells nothing else to strangers."""
    return func.HttpResponse('{"status": "up"}', mimetype="application/json", headers=PAGE_HEADERS)


@app.route(route="mlflow/{registry}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def mlflow_webhook(req: func.HttpRequest) -> func.HttpResponse:
    """Take one webhook of an MLflow registry in; its signature is the key."""
    status = wiring.webhooks().take(req.route_params.get("registry", ""), req.headers, req.get_body())
    return func.HttpResponse(status_code=status, headers=PAGE_HEADERS)


def _serving(asked: Mapping[str, str]) -> Any:
    at = parse_moment(asked["at"]) if "at" in asked else wiring.now()
    target = parse_target(asked["target"]) if "target" in asked else None
    return wiring.historian().serving_data(target, at)


def _history(asked: Mapping[str, str]) -> Any:
    return wiring.historian().history_data(parse_target(asked.get("target", "")))


def _answer(req: func.HttpRequest, ask: Callable[[Mapping[str, str]], Any]) -> func.HttpResponse:
    try:
        found = ask(req.params)
    except BadInput as error:
        return func.HttpResponse(str(error), status_code=400, mimetype="text/plain", headers=PAGE_HEADERS)
    if found is None:
        words = "nothing had been looked at by then"
        return func.HttpResponse(words, status_code=404, mimetype="text/plain", headers=PAGE_HEADERS)
    return func.HttpResponse(json.dumps(found), mimetype="application/json", headers=PAGE_HEADERS)
