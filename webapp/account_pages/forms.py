"""The forms of an account, each with a CSRF token."""

from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email
from wtforms import BooleanField, EmailField, Field, Form, PasswordField, ValidationError
from wtforms.validators import InputRequired, Length

from webapp.account_pages.password_rules import weakness
from webapp.accounts.passwords import MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH
from webapp.page_form import PageForm
from webapp.services import services


def normal_email(written: str) -> str:
    """Return an address as it is stored and looked up. Raises ValueError with a sentence about what is wrong."""
    try:
        return validate_email(written.strip(), check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None


def _is_email(_: Form, field: Field) -> None:
    try:
        normal_email(field.data or "")
    except ValueError as error:
        raise ValidationError(str(error)) from None


def _is_hard_to_guess(form: Form, field: Field) -> None:
    """Judge a password of a valid length. Raises ValidationError."""
    password, settings = field.data or "", services().settings
    if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
        return
    email = form.email.data if "email" in form else form.owner_email
    if reason := weakness(password, email or "", [urlsplit(settings.public_url).netloc, *settings.served_hosts]):
        raise ValidationError(reason)


def _new_password(label: str) -> PasswordField:
    """Return a field that refuses short and guessable passwords, but none for its kinds of characters: such rules make
    weak ones. Its form has a field `email`, or the attribute `owner_email`.
    """
    return PasswordField(
        label,
        [
            Length(min=MIN_PASSWORD_LENGTH, message=f"Choose at least {MIN_PASSWORD_LENGTH} characters."),
            Length(max=MAX_PASSWORD_LENGTH, message=f"Choose at most {MAX_PASSWORD_LENGTH} characters."),
            _is_hard_to_guess,
        ],
        description=f"At least {MIN_PASSWORD_LENGTH} characters. Several words are easy to remember.",
    )


def _present_password() -> PasswordField:
    message = "Enter your current password."
    return PasswordField("Your current password", [InputRequired(message), Length(max=MAX_PASSWORD_LENGTH)])


class SignUpForm(PageForm):
    """A new account."""

    email = EmailField("E-mail", [InputRequired("Enter your e-mail address."), _is_email])
    password = _new_password("Password")


class SignInForm(PageForm):
    """A sign-in: what is wrong with an address is not said here, because no account can have it."""

    email = EmailField("E-mail", [InputRequired("Enter your e-mail address.")])
    password = PasswordField("Password", [InputRequired("Enter your password."), Length(max=MAX_PASSWORD_LENGTH)])


class PasswordForm(PageForm):
    """Another password. The present one shows that the browser was not left open to somebody else."""

    owner_email = ""
    present = _present_password()
    password = _new_password("New password")
    delete_tokens = BooleanField("Also delete all API tokens")


class EmailForm(PageForm):
    """Another e-mail address."""

    email = EmailField("New e-mail", [InputRequired("Enter the new address."), _is_email])
    present = _present_password()


class AddressForm(PageForm):
    """Asks for a link that is mailed to an address."""

    email = EmailField("E-mail", [InputRequired("Enter your e-mail address."), _is_email])


class NewPasswordForm(PageForm):
    """A password for the account of a link."""

    owner_email = ""
    password = _new_password("New password")


class ConfirmationForm(PageForm):
    """Only a button."""


class DeletionForm(PageForm):
    """The end of an account."""

    present = _present_password()
