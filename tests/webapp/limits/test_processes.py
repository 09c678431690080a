"""Real web processes count together, also requests that arrive at the same time."""

import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError

from tests.webapp.conftest import StartWeb


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            return int(response.status)
    except HTTPError as error:
        with error:
            return error.code


def test_two_processes_and_many_clients_at_once_share_the_limit_of_their_address(start_web: StartWeb) -> None:
    webs = [start_web(TRUST_USER_ID="false", LIMIT_REQUESTS_PER_ADDRESS="7/hour") for _ in range(2)]
    urls = [f"{web.url}/usage" for web in webs] * 6
    with ThreadPoolExecutor(4) as pool:
        answers = Counter(pool.map(status_of, urls))
    assert answers == {200: 7, 429: 5}
    assert status_of(f"{webs[0].url}/health") == 200
