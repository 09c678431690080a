"""GET /metrics."""

from flask.testing import FlaskClient


def scrape(client: FlaskClient) -> dict[str, float]:
    """Return each time series with its value."""
    response = client.get("/metrics")
    assert response.mimetype == "text/plain"
    lines = [line.rsplit(" ", 1) for line in response.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}
