"""The form that creates an API token."""

from typing import Final

from wtforms import Field, Form, IntegerField, PasswordField, SelectMultipleField, StringField, ValidationError
from wtforms.fields import SelectChoice
from wtforms.validators import Length, NumberRange
from wtforms.widgets import CheckboxInput, ListWidget

from contracts.visible_text import has_visible_character
from webapp.accounts.passwords import MAX_PASSWORD_LENGTH
from webapp.accounts.scopes import Scope
from webapp.accounts.tokens import MAX_DAYS, MAX_NAME_LENGTH
from webapp.page_form import PageForm

DEFAULT_DAYS: Final = 90


def _is_visible(_: Form, field: Field) -> None:
    if not has_visible_character(field.data or "") or not field.data.isprintable():
        raise ValidationError("Write a name, by which you will recognise the token.")


def _has_choice(_: Form, field: Field) -> None:
    """WTForms' InputRequired would require each of the boxes in the browser."""
    if not field.data:
        raise ValidationError("Choose at least one.")


def _stripped(value: str | None) -> str:
    return (value or "").strip()


def _written(value: str | None) -> str:
    return value or ""


class TokenForm(PageForm):
    """A new API token."""

    name = StringField(
        "Name",
        [_is_visible, Length(max=MAX_NAME_LENGTH, message=f"Write at most {MAX_NAME_LENGTH} characters.")],
        filters=[_stripped],
    )
    scopes = SelectMultipleField(
        "What it may do",
        [_has_choice],
        choices=[SelectChoice(scope.value, scope.description) for scope in Scope],
        default=[Scope.READ.value],
        validate_choice=True,
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )
    days = IntegerField(
        "Days until it expires",
        [NumberRange(1, MAX_DAYS, message=f"Choose 1 to {MAX_DAYS} days.")],
        default=DEFAULT_DAYS,
    )
    present = PasswordField(
        "Your current password",
        [Length(max=MAX_PASSWORD_LENGTH)],
        filters=[_written],
        description="You signed in more than an hour ago. A token outlasts the sign-in, so confirm that it is you.",
    )
    """Is asked for only when the sign-in is not fresh."""
