"""Sorts the errors of model services: what concerns the service, what concerns this call, and what may pass.

error                                                  class
429                                                    ServiceError "rate_limited", with Retry-After
429 of a request that alone exceeds the limit          PermanentError
402, insufficient quota or credit                      ServiceError "quota"
401, 403                                               ServiceError "refused_key"
404                                                    ServiceError "unknown_model"
5xx, 529, 408, no connection, any time-out             ServiceError "outage"
context too long, request rejected, content refused    PermanentError
everything else                                        TransientError

The messages name settings and addresses, but never contain a key, and only a rejected request shows words of the
service. The errors of the libraries are not kept as causes, because their texts may contain parts of the request.
"""

from collections.abc import Callable
from typing import Final

import httpx2
from pydantic_ai.exceptions import (
    ContentFilterError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelContextWindowExceededError,
    ModelHTTPError,
    ModelNotFoundError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestRejectedError,
    ModelRequestTimeout,
    ModelServerError,
    ModelUnavailableError,
)

from agents.errors import AgentError, PermanentError, ServiceError, TransientError
from agents.fields import replace_unstorable
from agents.models.services import Endpoint

MAX_DETAIL_LENGTH: Final = 200

OVERDUE_STATUS: Final = 408
TOO_LARGE_STATUS: Final = 413
TOO_LARGE_FOR_LIMIT: Final = "request too large"
"""How OpenAI words a 429 that will never succeed: the request alone is more than the limit of tokens per minute."""


def classify(error: Exception, endpoint: Endpoint) -> AgentError:
    """Return the agents' error that stands for an error of a call. An unknown error is transient."""
    if isinstance(error, AgentError):
        return error
    if is_too_long(error):
        return _too_long(error, endpoint)
    for kinds, make in _CLASSES:
        if isinstance(error, kinds):
            return make(error, endpoint)
    if status_of(error) == OVERDUE_STATUS:
        return _outage(error, endpoint)
    return TransientError(f"{endpoint.title} gave an answer that cannot be used ({type(error).__name__}).")


def is_too_long(error: Exception) -> bool:
    """Return whether the request was too long for the model, or for the account's limit of tokens per minute."""
    if isinstance(error, ModelContextWindowExceededError) or status_of(error) == TOO_LARGE_STATUS:
        return True
    return isinstance(error, ModelRateLimitError) and detail_of(error).lower().startswith(TOO_LARGE_FOR_LIMIT)


def status_of(error: Exception) -> int | None:
    """Return the HTTP status of an error, or None when it has none."""
    return error.status_code if isinstance(error, ModelHTTPError) else None


def detail_of(error: Exception) -> str:
    """Return what the service wrote about an error, unshortened and perhaps with secrets; for comparisons only."""
    body = error.body if isinstance(error, ModelAPIError) else None
    for _ in range(2):  # OpenAI's SDK removes the outer object `error`, the others do not
        if isinstance(body, dict):
            body = body.get("error") or body.get("message") or body.get("detail")
    return body if isinstance(body, str) else ""


def _rate_limited(error: Exception, endpoint: Endpoint) -> AgentError:
    message = f"{endpoint.title} is busy and asks to wait."
    return ServiceError(message, "rate_limited", retry_after=_retry_after(error))


def _quota(error: Exception, endpoint: Endpoint) -> AgentError:
    cure = (
        f"{endpoint.title} reports that the quota or credit of {_key(endpoint)} is used up{_status(error)}: top it up, "
        "or raise its limit"
    )
    message = f"The account at {endpoint.title} has no credit left."
    return ServiceError(message, "quota", retry_after=_retry_after(error), cure=cure)


def _refused_key(error: Exception, endpoint: Endpoint) -> AgentError:
    if endpoint.key is not None:
        cure = f"{endpoint.title} refuses the key in {endpoint.key_setting}{_status(error)}"
    elif endpoint.key_setting:
        cure = f"{endpoint.title} at {endpoint.address} asks for a key{_status(error)}: set {endpoint.key_setting}"
    else:
        cure = f"{endpoint.title} at {endpoint.address} refuses access{_status(error)}: check {endpoint.url_setting}"
    return ServiceError(f"{endpoint.title} does not accept this installation's key.", "refused_key", cure=cure)


def _unknown_model(error: Exception, endpoint: Endpoint) -> AgentError:
    pull = f" (or run `ollama pull {endpoint.name.model}`)" if endpoint.name.provider == "ollama" else ""
    cure = (
        f"{endpoint.title} at {endpoint.address} has no model {endpoint.name.model}{_status(error)}: correct "
        f"{endpoint.model_setting}{pull}, or {endpoint.url_setting} if the address is wrong"
    )
    return ServiceError(f"{endpoint.title} does not know the model {endpoint.name.model}.", "unknown_model", cure=cure)


def _outage(error: Exception, endpoint: Endpoint) -> AgentError:
    message = f"{endpoint.title} is unavailable{_status(error)}."
    return ServiceError(message, "outage", retry_after=_retry_after(error))


def _unreachable(error: Exception, endpoint: Endpoint) -> AgentError:
    if isinstance(error, ModelConnectionError) and error.phase == "read":
        return ServiceError(f"{endpoint.title} did not finish its answer.", "outage")
    cure = f"{endpoint.title} cannot be reached at {endpoint.address}: start it, or correct {endpoint.url_setting}"
    return ServiceError(f"{endpoint.title} cannot be reached.", "outage", cure=cure)


def _overdue(_: Exception, endpoint: Endpoint) -> AgentError:
    cure = "raise AGENT_TIMEOUT_SECONDS if the model is only slow"
    return ServiceError(f"{endpoint.title} did not answer in time.", "outage", cure=cure)


def _too_long(_: Exception, endpoint: Endpoint) -> AgentError:
    return PermanentError(f"The thought and what belongs to it are too long for the model {endpoint.name.model}.")


def _rejected(error: Exception, endpoint: Endpoint) -> AgentError:
    detail = " ".join(detail_of(error).split())
    for secret in endpoint.secrets():
        detail = detail.replace(secret, "***")
    words = f": {replace_unstorable(detail)[:MAX_DETAIL_LENGTH]}" if detail else "."
    return PermanentError(f"{endpoint.title} rejects the request{_status(error)}{words}")


def _declined(_: Exception, endpoint: Endpoint) -> AgentError:
    return PermanentError(f"{endpoint.title} declined to answer, because of the content of the thought.")


_CLASSES: Final[list[tuple[tuple[type[Exception], ...], Callable[[Exception, Endpoint], AgentError]]]] = [
    ((ModelRateLimitError,), _rate_limited),
    ((ModelQuotaExceededError,), _quota),
    ((ModelAuthenticationError,), _refused_key),
    ((ModelNotFoundError,), _unknown_model),
    ((ModelRequestRejectedError,), _rejected),
    ((ModelUnavailableError, ModelServerError), _outage),
    ((ModelConnectionError, httpx2.TransportError, ConnectionError), _unreachable),
    ((ModelRequestTimeout, TimeoutError), _overdue),
    ((ContentFilterError,), _declined),
]
"""The first row whose kinds include the error counts: a subclass stands before its base."""


def _status(error: Exception) -> str:
    status = status_of(error)
    return f" ({status})" if status else ""


def _key(endpoint: Endpoint) -> str:
    return endpoint.key_setting or "this installation"


def _retry_after(error: Exception) -> float | None:
    return error.retry_after if isinstance(error, ModelAPIError) else None
