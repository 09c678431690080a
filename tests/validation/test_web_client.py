"""The validation's client sends METRICS_TOKEN where the web asks for it, and nowhere else."""

from tests.figures_server import figures_server
from validation.web_client import WebClient

TOKEN = "a-token-of-the-monitoring"


def test_only_a_request_for_figures_carries_the_token() -> None:
    checks = {"relay": {"ok": True}}
    with figures_server(TOKEN, checks) as url:
        client = WebClient(url, TOKEN)
        assert client.get_figures("/health/ready").body == {"status": "ok", "checks": checks}
        assert client.get("/health/ready").body == {"status": "ok"}
        assert WebClient(url).get_figures("/health/ready").body == {"status": "ok"}
