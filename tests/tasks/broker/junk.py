"""Items that are no message of this application: name -> the item, made from a valid message.

Each contains JUNK, where it has room for it, so that a test can tell whether the content reached a log.
"""

import base64
import gzip
import json
from typing import Any, Final

from tests.tasks.broker.messages import body_of, changed, with_body

JUNK: Final = "my-secret-content"


def junk_items(valid: dict[str, Any]) -> dict[str, bytes]:
    """Return all items."""
    return {**_no_messages(valid), **_messages_without_task(valid), **_odd_tasks(valid)}


def _no_messages(valid: dict[str, Any]) -> dict[str, bytes]:
    texts = {
        "plain text": f"buy milk {JUNK}",
        "a number": "1",
        "an array": f'["{JUNK}"]',
        "null": "null",
        "a truth value": "true",
        "an empty object": "{}",
        "an empty item": "",
        "half a message": json.dumps(valid)[:200],
        "deeply nested arrays": "[" * 100_000,
        "deeply nested objects": '{"a":' * 100_000,
        "a type that kombu does not know": '{"__type__": "x", "__value__": 1}',
        "a type that kombu cannot make": '{"__type__": "datetime", "__value__": []}',
        "a message of 2 MB": json.dumps(valid | {"padding": "x" * 2_000_000}),
        "NaN": "NaN",
    }
    return {name: text.encode() for name, text in texts.items()} | {
        "no UTF-8": b"\xff\xfe\x00" + JUNK.encode(),
        "UTF-16": json.dumps(valid).encode("utf-16"),
        "a pickle": b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00\x8c\x01x\x94.",
    }


def _messages_without_task(valid: dict[str, Any]) -> dict[str, bytes]:
    messages = {
        "no headers": changed(valid, lambda m: m.pop("headers")),
        "headers that are null": valid | {"headers": None},
        "headers that are a list": valid | {"headers": [JUNK]},
        "no properties": changed(valid, lambda m: m.pop("properties")),
        "properties that are text": valid | {"properties": JUNK},
        "no delivery tag": changed(valid, lambda m: m["properties"].pop("delivery_tag")),
        "a delivery tag that is an object": changed(valid, lambda m: m["properties"].update(delivery_tag={})),
        "a delivery tag that is null": changed(valid, lambda m: m["properties"].update(delivery_tag=None)),
        "no delivery info": changed(valid, lambda m: m["properties"].pop("delivery_info")),
        "delivery info without an exchange": changed(valid, lambda m: m["properties"].update(delivery_info={})),
        "an unknown body encoding": changed(valid, lambda m: m["properties"].update(body_encoding="rot13")),
        "a body encoding that is a number": changed(valid, lambda m: m["properties"].update(body_encoding=64)),
        "a body that is null": valid | {"body": None},
        "no body": changed(valid, lambda m: m.pop("body")),
        "a body that is a number": valid | {"body": 5},
        "a body that is an object": valid | {"body": {JUNK: JUNK}},
        "a body that is no base64": valid | {"body": "a"},
        "a body of letters that base64 has not": valid | {"body": "ä"},
        "a pickled content type": valid | {"content-type": "application/x-python-serialize"},
        "no content type": changed(valid, lambda m: m.pop("content-type")),
        "an unknown content type": valid | {"content-type": JUNK},
        "an unknown content encoding": valid | {"content-encoding": "klingon"},
        "a compressed body": changed(valid, _compress),
        "an unknown compression": changed(valid, lambda m: m["headers"].update(compression=JUNK)),
    }
    return {name: json.dumps(message).encode() for name, message in messages.items()}


def _compress(message: dict[str, Any]) -> None:
    message["headers"]["compression"] = "application/x-gzip"
    message["body"] = base64.b64encode(gzip.compress(base64.b64decode(message["body"]))).decode()


def _odd_tasks(valid: dict[str, Any]) -> dict[str, bytes]:
    arguments, options, embed = body_of(valid)
    thought_id, token = arguments
    headers: dict[str, dict[str, Any]] = {
        "an unknown task": {"task": f"tasks.{JUNK}"},
        "a task of Celery": {"task": "celery.chord_unlock"},
        "a task that is a number": {"task": 1},
        "a task that is a list": {"task": [JUNK]},
        "an id that is null": {"id": None},
        "an id of two lines": {"id": f"a\n{JUNK}"},
        "an id that is an object": {"id": {}},
        "a time in the far future": {"eta": "9999-12-31T23:59:59+00:00"},
        "a time next year": {"eta": "2099-01-01T00:00:00+00:00"},
        "a time without a zone": {"eta": "2020-01-01T00:00:00"},
        "a time that is no time": {"eta": JUNK},
        "a time that is a number": {"eta": 5},
        "an expiry": {"expires": JUNK},
        "retries that are text": {"retries": JUNK},
        "negative retries": {"retries": -1},
        "time limits that are text": {"timelimit": JUNK},
        "a time limit": {"timelimit": [1, 1]},
        "a shadow name": {"shadow": JUNK},
        "stamps": {"stamped_headers": [JUNK], "stamps": {JUNK: JUNK}},
        "a group": {"group": JUNK},
    }
    bodies: dict[str, Any] = {
        "a body of null": None,
        "a body of two parts": [arguments, options],
        "a body of four parts": [arguments, options, embed, JUNK],
        "a body that is an object of protocol 1": {"task": valid["headers"]["task"], "id": "x", "args": arguments},
        "no arguments": [[], options, embed],
        "one argument": [[thought_id], options, embed],
        "three arguments": [[*arguments, JUNK], options, embed],
        "arguments in the wrong order": [[token, thought_id], options, embed],
        "an argument that is no thought id": [[JUNK, token], options, embed],
        "an argument that is no token": [[thought_id, JUNK], options, embed],
        "a token beyond 64 bits": [[thought_id, 2**63], options, embed],
        "a token that is true": [[thought_id, True], options, embed],
        "a token that is a fraction": [[thought_id, 1.5], options, embed],
        "a keyword argument": [arguments, {JUNK: 1}, embed],
        "keyword arguments that are a list": [arguments, [], embed],
        "embedded options that are null": [arguments, options, None],
        "a chain that is text": [arguments, options, embed | {"chain": JUNK}],
        "a chain of numbers": [arguments, options, embed | {"chain": [1]}],
        "a chain with an unknown task": [arguments, options, embed | {"chain": [_step(embed, task=JUNK)]}],
        "a chain to an unknown queue": [arguments, options, embed | {"chain": [_step(embed, options={"queue": JUNK})]}],
        "a callback": [arguments, options, embed | {"callbacks": [{"task": JUNK}]}],
        "a chord": [arguments, options, embed | {"chord": {"task": JUNK}}],
        "a deeply nested body": "deep",
    }
    messages = {name: valid | {"headers": valid["headers"] | odd} for name, odd in headers.items()}
    messages |= {name: with_body(valid, body) for name, body in bodies.items()}
    messages["a deeply nested body"] = valid | {"body": base64.b64encode(b"[" * 100_000).decode()}
    messages["a message of protocol 1"] = with_body(
        valid | {"headers": {}}, {"task": valid["headers"]["task"], "id": "x", "args": arguments, "kwargs": {}}
    )
    messages["no id"] = changed(valid, lambda m: m["headers"].pop("id"))
    return {name: json.dumps(message).encode() for name, message in messages.items()}


def _step(embed: dict[str, Any], **odd: Any) -> dict[str, Any]:
    step: dict[str, Any] = embed["chain"][0]
    options = step["options"] | odd.pop("options", {})
    return step | {"options": options} | odd
