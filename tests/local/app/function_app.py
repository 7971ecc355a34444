"""A small app with every kind of trigger, for the tests of the local host."""

import json
import os
import typing

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)


@app.event_grid_trigger(arg_name="event")
@app.queue_output(arg_name="seen", queue_name="seen", connection="AzureWebJobsStorage")
def on_event(event: str, seen: func.Out[str]) -> None:
    """Pass the event on, or fail if its data asks for that."""
    if "fail" in json.loads(event).get("data", {}):
        raise RuntimeError("asked to fail")
    seen.set(event)


@app.queue_trigger(arg_name="message", queue_name="%WORK_QUEUE%", connection="AzureWebJobsStorage")
@app.queue_output(arg_name="done", queue_name="done", connection="AzureWebJobsStorage")
def on_message(message: func.QueueMessage, done: func.Out[typing.List[str]]) -> None:  # noqa: UP006 - list[str] fails to load
    """Tell what the host said of the message, or fail if its body asks for that."""
    body = message.get_body().decode()
    if body == "fail":
        raise RuntimeError("asked to fail")
    done.set([f"{body} after {message.dequeue_count}", f"{message.insertion_time:%Y}"])


@app.timer_trigger(arg_name="timer", schedule="%NIGHT%")
@app.queue_output(arg_name="ticks", queue_name="ticks", connection="AzureWebJobsStorage")
def nightly(timer: func.TimerRequest, ticks: func.Out[str]) -> None:
    """Tell whether the run is late."""
    ticks.set("late" if timer.past_due else "on time")


@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=True)
def at_startup(timer: func.TimerRequest) -> None:
    """Run once when the host starts."""


@app.route(route="hello/{name}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def hello(req: func.HttpRequest) -> func.HttpResponse:
    """Answer anybody."""
    facts = {"name": req.route_params["name"], "query": dict(req.params), "greeting": os.environ["GREETING"]}
    return func.HttpResponse(json.dumps(facts), mimetype="application/json", headers={"X-App": "sample"})


@app.route(route="hello/everybody", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def hello_everybody(req: func.HttpRequest) -> str:  # noqa: ARG001 - the binding asks for it
    """Stand on a path that the parameter of `hello` would match too."""
    return "hello, everybody"


@app.route(route="orders", methods=["POST"])
async def orders(req: func.HttpRequest) -> func.HttpResponse:
    """Echo the body, for the function key; fail on a body that asks for that."""
    if req.get_body() == b"fail":
        raise RuntimeError("asked to fail")
    return func.HttpResponse(req.get_body(), status_code=201)


@app.route(route="vault", auth_level=func.AuthLevel.ADMIN)
def vault(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding asks for it
    """Answer the master key only."""
    return func.HttpResponse("open")
