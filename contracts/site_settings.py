"""Defines the settings of the site: its address, the proxies in front of it, and how it sends mail."""

import re
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BaseModel, Field, SecretStr, model_validator

HOST_NAME: Final = re.compile(r"\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
"""A host name or IPv4 address; after a dot, all names that end with it."""


def _host_names(value: str) -> str:
    if not all(HOST_NAME.fullmatch(name.strip()) for name in filter(None, value.split(","))):
        raise ValueError("must be host names separated by commas, without https:// and ports: thoughts.example")
    return value


def _origin(value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment):
        raise ValueError("must be the address of the page, such as https://thoughts.example")
    return value.rstrip("/")


def _mail_address(value: str) -> str:
    try:
        return validate_email(value, check_deliverability=False).normalized if value else value
    except EmailNotValidError as error:
        raise ValueError(f"must be an e-mail address: {error}") from None


HostNames = Annotated[str, AfterValidator(_host_names)]
Origin = Annotated[str, AfterValidator(_origin)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]


class SiteSettings(BaseModel):
    """The part of the settings that a published page needs. `Settings` inherits it."""

    allowed_hosts: HostNames = ""
    public_url: Origin = ""
    hsts_seconds: int = Field(default=0, ge=0, le=2**31 - 1)
    hsts_subdomains: bool = False
    trusted_proxies: int = Field(default=0, ge=0, le=10)

    smtp_host: str = ""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_username: str = ""
    smtp_password: SecretStr | None = None
    mail_from: MailAddress = ""

    @property
    def served_hosts(self) -> list[str]:
        """The host names that are served; none means all."""
        return [name.strip().lower() for name in self.allowed_hosts.split(",") if name.strip()]

    @property
    def sends_mail(self) -> bool:
        """Whether the web sends mail, such as links that reset a password."""
        return bool(self.smtp_host)

    @model_validator(mode="after")
    def _require_what_hsts_needs(self) -> Self:
        if self.hsts_subdomains and not self.hsts_seconds:
            raise ValueError("HSTS_SECONDS: missing; HSTS_SUBDOMAINS has no effect without it")
        return self

    @model_validator(mode="after")
    def _require_what_mail_needs(self) -> Self:
        """A link in a mail must not name the host of the request, which its sender chooses."""
        if self.sends_mail and not (self.mail_from and self.public_url):
            raise ValueError("MAIL_FROM or PUBLIC_URL: missing; set both for SMTP_HOST")
        if bool(self.smtp_username) != (self.smtp_password is not None):
            raise ValueError("SMTP_USERNAME or SMTP_PASSWORD: missing; set both, or neither")
        if self.smtp_username and self.smtp_security == "none":
            raise ValueError("SMTP_SECURITY: none would send SMTP_PASSWORD unencrypted; set starttls or tls")
        return self
