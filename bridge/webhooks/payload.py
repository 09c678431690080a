"""Makes the body of a webhook's request: what happened, to which thought, and where it is. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from contracts.webhooks import PING


def payload(event_type: str, event: Mapping[str, Any], text: str | None) -> bytes:
    """Return the body; `text` is the thought's, for a webhook that asks for it.

    Without the text the error's message is missing too, because a provider may quote the text in it.
    """
    if event_type == PING:
        return _body(event_type, event, {})
    thought_id = str(event.get("thought_id"))
    shown = {name: value for name, value in event.items() if text is not None or name != "error_message"}
    links = {"self": f"/thoughts/{thought_id}", "page": f"/t/{thought_id}"}
    more = {} if text is None else {"text": text}
    return _body(event_type, event, {"thought_id": thought_id, "links": links, "event": shown} | more)


def _body(event_type: str, event: Mapping[str, Any], data: Mapping[str, Any]) -> bytes:
    body = {"type": event_type, "timestamp": event.get("timestamp"), "data": data}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
