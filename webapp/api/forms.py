"""Answers the forms of the pages that write and delete thoughts, with a page or a redirect to one."""

from uuid import UUID

from flask import Response, flash, redirect, request, url_for
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import Forbidden, Gone, UnprocessableEntity
from werkzeug.wrappers import Response as BaseResponse

from contracts.text import thought_text
from webapp import access, submission
from webapp.api.acceptance import thought_id_of
from webapp.api.deletion import delete
from webapp.api.requests import MAX_KEY_LENGTH, idempotency_key
from webapp.csrf import RESEND, OutdatedFormError
from webapp.ids import form_key
from webapp.pages.routes import rerender_form
from webapp.problems import database_problem, error_response
from webapp.services import services


def create_from_form() -> BaseResponse:
    """Submit the form's text. Every error is answered with the form and its text, so that no person loses theirs."""
    written, nonce = _written_form()
    try:
        user_id = access.require_visitor()
        text = thought_text(written)
        thought_id = thought_id_of(user_id, idempotency_key() or (form_key(nonce, text) if nonce else None))
        submission.submit(services(), user_id, thought_id, text, fresh=request.form.get("fresh") == "1")
    except Forbidden as error:
        return rerender_form(written, error, nonce)
    except submission.ThoughtDeletedError:
        return rerender_form(written, Gone("You deleted this thought before. Send it again to store it as a new one."))
    except ValueError as error:
        return rerender_form(written, UnprocessableEntity(f"Could not save your thought: {error}."))
    except SQLAlchemyError as error:
        return rerender_form(written, database_problem(error), nonce)
    return redirect(url_for("pages.thought", thought_id=thought_id), 303)


def show_again(error: OutdatedFormError) -> Response:
    """Return a refused form with its text and a fresh token, so that no person loses theirs."""
    if request.endpoint != "thoughts.create":
        return error_response(error)
    written, nonce = _written_form()
    return rerender_form(written, Forbidden(RESEND), nonce)


def _written_form() -> tuple[str, str]:
    """Return the text and the nonce of a form. Browsers send CRLF; a line end is one character."""
    return request.form.get("text", "").replace("\r\n", "\n"), request.form.get("nonce", "")[:MAX_KEY_LENGTH]


def delete_from_form(thought_id: UUID) -> BaseResponse:
    """Delete a thought from the page, because HTML forms cannot send DELETE."""
    delete(thought_id)
    flash("Your thought was deleted, together with everything the agents found.")
    return redirect(url_for("pages.home"), 303)
