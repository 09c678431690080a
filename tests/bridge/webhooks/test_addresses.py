"""No webhook reaches an address that is not public, whatever its host name stands for."""

from typing import Any

import pytest

from bridge.webhooks.addresses import RefusedAddressError, resolve_public
from contracts.public_addresses import is_allowed
from contracts.webhooks import InvalidUrlError, require_url

PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"]
NOT_PUBLIC = [
    "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.0.1", "198.18.0.1", "203.0.113.7", "224.0.0.1", "239.1.2.3", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::",
    "not an address",
]  # fmt: skip


def resolving_to(*addresses: str) -> Any:
    """Return a resolver whose name server gives these addresses, and counts how often it is asked."""

    def resolve(_: str, port: int, __: float) -> list[Any]:
        resolve.calls += 1  # type: ignore[attr-defined]
        return [(2, 1, 6, "", (address, port)) for address in addresses]

    resolve.calls = 0  # type: ignore[attr-defined]
    return resolve


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_allowed_and_resolved_once(address: str) -> None:
    resolve = resolving_to(address)
    assert resolve_public("example.com", 443, allow_loopback=False, seconds=10, resolve=resolve) == address
    assert resolve.calls == 1


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_refused_after_it_was_resolved(address: str) -> None:
    for addresses in ([address], [*PUBLIC, address], [address, *PUBLIC]):
        with pytest.raises(RefusedAddressError, match="not public"):
            resolve_public("innocent.example", 443, allow_loopback=False, seconds=10, resolve=resolving_to(*addresses))


def test_the_setting_for_development_allows_this_machine_and_nothing_else() -> None:
    allowed = [address for address in NOT_PUBLIC if is_allowed(address, allow_loopback=True)]
    assert allowed == ["127.0.0.1", "127.9.9.9", "::1"]


@pytest.mark.parametrize("address", [*PUBLIC, *NOT_PUBLIC[:-1], "127.1", "2130706433", "0x7f.1", "017700000001"])
def test_an_address_instead_of_a_host_name_must_be_public(address: str) -> None:
    url = f"https://[{address}]/" if ":" in address else f"https://{address}/"
    if address in PUBLIC:
        assert require_url(url, allow_loopback=False) == url
        return
    with pytest.raises(InvalidUrlError, match="everybody can reach"):
        require_url(url, allow_loopback=False)


def test_a_name_without_an_address_is_refused() -> None:
    def fail(*_: Any) -> list[Any]:
        raise OSError("unknown")

    for resolve in (fail, resolving_to()):
        with pytest.raises(RefusedAddressError, match="has no address"):
            resolve_public("nowhere.example", 443, allow_loopback=False, seconds=10, resolve=resolve)
