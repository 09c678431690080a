"""A model service that the test makes fail in the ways in which real ones do."""

import itertools
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from agents.agent import Agent
from agents.catalogue import CATALOGUE
from agents.scripted.samples import sample
from tests.agents.models.fake_service import FakeService, Reply, Request, fake_service
from tests.agents.models.wires import OpenAIWire, Written
from tests.tcp_proxy import TcpProxy

Outage = Literal["503", "refused connections", "401", "429", "answers that never end"]
OUTAGES: tuple[Outage, ...] = ("503", "refused connections", "401", "429", "answers that never end")

_WIRE = OpenAIWire()
_PROBE_ANSWER = json.dumps({"ok": True})


class ModelService:
    """One service behind a proxy. Answers that a model was paid for are counted, probes apart."""

    def __init__(self, service: FakeService, proxy: TcpProxy) -> None:
        self._service = service
        self._proxy = proxy
        self._outage: Outage | None = None
        self._answers = itertools.count()
        self.paid_answers = 0
        service.answer = self._answer

    @property
    def url(self) -> str:
        """The base URL of the API."""
        return f"{self._proxy.proxied_url(self._service.url)}/v1"

    def fail(self, outage: Outage) -> None:
        """Fail every request from now on, until `recover`."""
        self._outage = outage
        if outage == "refused connections":
            self._proxy.refuse()

    def recover(self) -> None:
        """Answer every request from now on."""
        self._outage = None
        self._proxy.accept()

    def _answer(self, request: Request) -> Reply:
        match self._outage:
            case "503":
                return _WIRE.error(503, "overloaded")
            case "401":
                return _WIRE.error(401, "invalid key")
            case "429":
                return _WIRE.error(429, "slow down", "rate_limit_exceeded", {"retry-after": "2"})
            case "answers that never end":
                return Reply(body=self._drip(), content_type="application/json")
        return self._answer_of_a_model(request)

    def _answer_of_a_model(self, request: Request) -> Reply:
        """Answer with a result of the agent whose schema the request contains, or as a probe expects."""
        schema = request.body.get("response_format", {}).get("json_schema", {}).get("schema", {})
        fields = set(schema.get("properties", {}))
        agent = next((agent for agent in CATALOGUE.agents if fields == _asked_fields(agent)), None)
        if agent is None:
            return _WIRE.reply(request, Written(_PROBE_ANSWER))
        self.paid_answers += 1
        return _WIRE.reply(request, Written(json.dumps(sample(agent.output, "Under load"))))

    def _drip(self) -> Iterator[bytes]:
        while self._outage == "answers that never end" and not self._service.stopping.is_set():
            time.sleep(0.05)
            yield b" "


def _asked_fields(agent: Agent) -> set[str]:
    return set(agent.output.model_fields) - agent.output.written_by_code


@contextmanager
def model_service() -> Iterator[ModelService]:
    with fake_service(lambda _: Reply()) as service:
        proxy = TcpProxy.for_url(service.url)
        try:
            yield ModelService(service, proxy)
        finally:
            proxy.close()
