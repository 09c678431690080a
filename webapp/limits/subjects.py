"""Recognises for whom a request counts. None means that the limit does not concern the request."""

from collections.abc import Callable, Mapping
from ipaddress import IPv6Address, ip_address
from typing import Final
from uuid import UUID

from flask import g, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from webapp import bearer, identity, session
from webapp.limits.device_cookie import device
from webapp.limits.hashing import counter_hash, exact_hash
from webapp.limits.table import HAS_DEVICES, Limit, Subject
from webapp.services import services

_IPV6_NETWORK_BITS: Final = 64
"""The smallest network that a provider gives to a customer, who may use all of its addresses."""


def key_of(limit: Limit) -> str | None:
    """Return the key of the counter that the limit has for this request, or None when it has none."""
    if limit.kind in HAS_DEVICES and (limit.subject == "per-device") != (_known_device() is not None):
        return None
    return _SUBJECTS[limit.subject]()


def network_of(address: str) -> str:
    """Return an IPv4 address as it is, an IPv6 address as its /64 network, and any other text as `unknown`."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    host_bits = 128 - _IPV6_NETWORK_BITS
    return f"{IPv6Address(int(parsed) >> host_bits << host_bits)}/{_IPV6_NETWORK_BITS}"


def _address() -> str:
    return network_of(request.remote_addr or "")


def _user() -> str | None:
    user_id = _user_id()
    return None if user_id is None else str(user_id)


def _account() -> str | None:
    return None if _is_anonymous() else _user()


def _anonymous_user() -> str | None:
    return _user() if _is_anonymous() else None


def _is_anonymous() -> bool:
    """Return whether the cookie names the user. One beside a token may be of the time before the sign-up."""
    return not bearer.is_sent() and _user_id() == session.cookie_visitor()


def _user_id() -> UUID | None:
    if "limited_user" not in g:
        g.limited_user = _find_user()
    user_id: UUID | None = g.limited_user
    return user_id


def _find_user() -> UUID | None:
    """Return the user of the request, or None when it has none.

    None also when the request is not admitted, or while PostgreSQL is unavailable, for which it must not wait twice:
    the view then says so itself.
    """
    if not services().readiness.postgres().ok:
        return None
    try:
        return identity.current_user()
    except (SQLAlchemyError, HTTPException):
        return None


def _email() -> str | None:
    """Return the hash of the e-mail address that the form names, whether an account has it or not."""
    written = _written_email()
    return counter_hash(written) if written else None


def _written_email() -> str:
    return request.form.get("email", "")


def _address_and_email() -> str | None:
    email = _email()
    return None if email is None else f"{_address()}+{email}"


def _known_device() -> str | None:
    """Return the browser and the account, when the browser has signed in to the account before."""
    email, browser = exact_hash(_written_email()), device()
    return f"{browser.id}+{email}" if browser and email in browser.accounts else None


_SUBJECTS: Final[Mapping[Subject, Callable[[], str | None]]] = {
    "per-device": _known_device,
    "per-address-and-email": _address_and_email,
    "per-address": _address,
    "per-email": _email,
    "per-account": _account,
    "per-anonymous-user": _anonymous_user,
    "per-user": _user,
    "for-all": lambda: "all",
}
