"""Makes the OpenAPI 3.1 document from the application's routes, the descriptions beside their views, and the models.

Nothing is written twice: a parameter is a field of the model that reads it, an answer is the model that is sent, and a
problem is a row of `webapp.problem_types`.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, Final

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema
from werkzeug.routing import Rule

from agents.catalogue import CATALOGUE
from webapp import problem_types as problems
from webapp.access_rules import RULES
from webapp.api.document_security import security_of, security_schemes
from webapp.api.document_text import INFO, TAGS, VERSION_HEADER, VERSION_PARAMETER
from webapp.operations import JSON, Answer, Header, Operation, operation_of
from webapp.problem_types import PROBLEM_TYPES, ProblemType
from webapp.representations import Agent, Problem
from webapp.security import SAFE_METHODS

ProblemGroup = tuple[ProblemType, ...]
"""Problems of the same status; at least one."""

_REFERENCE: Final = "#/components/schemas/{model}"
_PATH_PARAMETER: Final = re.compile("<(?:[a-z]+:)?([a-z_]+)>")

_EVERYWHERE: Final = (
    problems.BAD_REQUEST, problems.FOREIGN_HOST, problems.UNSUPPORTED_VERSION, problems.NOT_AUTHENTICATED,
    problems.FORBIDDEN, problems.INSUFFICIENT_SCOPE, problems.TIMEOUT, problems.ADDRESS_TOO_LONG,
    problems.UNSUPPORTED_EXPECTATION, problems.TOO_MANY_REQUESTS, problems.HEADERS_TOO_LARGE, problems.INTERNAL_ERROR,
    problems.UNAVAILABLE, problems.DATABASE_UNAVAILABLE,
)  # fmt: skip
"""The problems that every call can have."""

_OF_WRITES: Final = (problems.OTHER_SITE,)
_OF_BODIES: Final = (problems.BODY_TOO_LARGE, problems.NOT_IMPLEMENTED)
_OF_PATHS: Final = (problems.NOT_FOUND,)


def openapi_document(app: Flask) -> dict[str, Any]:
    """Return the document of this application, as JSON-like values."""
    calls = list(_calls(app))
    paths: dict[str, dict[str, Any]] = {}
    answers: dict[str, Any] = {}
    for rule, method, operation in calls:
        path = _PATH_PARAMETER.sub(r"{\1}", rule.rule)
        groups = _problem_groups(rule, method, operation)
        answers |= {_name(group): _problem_answer(group) for group in groups}
        paths.setdefault(path, {})[method.lower()] = _operation(rule, operation, groups)
    return {
        "openapi": "3.1.0",
        "info": INFO,
        "servers": [{"url": "/"}],
        "tags": TAGS,
        "paths": paths,
        "components": {
            "schemas": _schemas([operation for _, _, operation in calls]),
            "responses": dict(sorted(answers.items())),
            "securitySchemes": security_schemes(app.config["SESSION_COOKIE_NAME"]),
        },
    }


def _calls(app: Flask) -> Iterator[tuple[Rule, str, Operation]]:
    """Yield each described call with its rule and method, in the order of the paths."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        operation = operation_of(app.view_functions[rule.endpoint])
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            if operation is not None:
                yield rule, method, operation


def _schemas(operations: list[Operation]) -> dict[str, Any]:
    """Return the schemas of all models, by name."""
    always: list[type[BaseModel]] = [Problem, *(agent.output for agent in CATALOGUE.agents)]
    sent: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "serialization") for model in always]
    read: list[tuple[type[BaseModel], JsonSchemaMode]] = []
    for operation in operations:
        read += [(operation.body, "validation")] if operation.body is not None else []
        sent += [(one.model, "serialization") for one in operation.answers.values() if one.model is not None]
    _, definitions = models_json_schema(list(dict.fromkeys([*read, *sent])), ref_template=_REFERENCE)
    schemas: dict[str, Any] = definitions["$defs"]
    schemas[Agent.__name__]["properties"]["output"] = _output_schema()
    return dict(sorted(schemas.items()))


def _output_schema() -> dict[str, Any]:
    """Describe the present outputs of the agents. A stored one may be of an earlier version, or of a later agent."""
    own = [_reference(agent.output) for agent in CATALOGUE.agents]
    names = ", ".join(f"`{agent.name}`: {agent.output.__name__}" for agent in CATALOGUE.agents)
    other = {"type": "object", "description": "The result of another version or agent."}
    return {"anyOf": [*own, other, {"type": "null"}], "description": f"The result, by the agent's name: {names}."}


def _operation(rule: Rule, operation: Operation, groups: list[ProblemGroup]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "parameters": [*_path_parameters(rule), *_query_parameters(operation), *_header_parameters(operation)],
    }
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": _reference(operation.body)}}}
    described["security"] = security_of(RULES[rule.endpoint])
    described["responses"] = {
        **{str(status): _answer(answer) for status, answer in operation.answers.items()},
        **{str(group[0].status): {"$ref": f"#/components/responses/{_name(group)}"} for group in groups},
    }
    return described


def _path_parameters(rule: Rule) -> list[dict[str, Any]]:
    schema = {"type": "string", "format": "uuid"}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in sorted(rule.arguments)]


def _query_parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    if operation.query is None:
        return
    for name, field in operation.query.model_json_schema()["properties"].items():
        description = {"description": field["description"]} if "description" in field else {}
        empty = {} if name in operation.query.keeps_empty else {"allowEmptyValue": True}
        yield {"name": name, "in": "query", "required": False, **description, **empty, "schema": _sendable(field)}


def _sendable(field: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter that is sent: it has no null, which stands for its absence."""
    [schema] = [choice for choice in field.get("anyOf", [field]) if choice != {"type": "null"}]
    default = {} if field.get("default") is None else {"default": field["default"]}
    return {key: value for key, value in schema.items() if key not in {"title", "description", "default"}} | default


def _header_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": header.name, "in": "header", **_header(header)} for header in (*operation.headers, VERSION_PARAMETER)
    ]


def _answer(answer: Answer) -> dict[str, Any]:
    headers = (*answer.headers, VERSION_HEADER)
    described: dict[str, Any] = {
        "description": answer.description,
        "headers": {header.name: _header(header) for header in headers},
    }
    if answer.model is not None:
        described["content"] = {answer.media_type: {"schema": _reference(answer.model)}}
    elif answer.media_type != JSON:
        described["content"] = {answer.media_type: {"schema": {"type": "string"}}}
    if answer.text_type is not None:
        described["content"][answer.text_type] = {"schema": {"type": "string"}}
    return described | ({"links": dict(answer.links)} if answer.links else {})


def _header(header: Header) -> dict[str, Any]:
    return {"description": header.description, "required": header.required, "schema": dict(header.schema)}


def _problem_groups(rule: Rule, method: str, operation: Operation) -> list[ProblemGroup]:
    """Return the problems of a call, those of each status together."""
    found = [*_EVERYWHERE, *operation.problems]
    found += _OF_WRITES if method not in SAFE_METHODS else ()
    found += _OF_BODIES if operation.body is not None else ()
    found += _OF_PATHS if rule.arguments else ()
    ordered = sorted(dict.fromkeys(found), key=PROBLEM_TYPES.index)
    return [tuple(group) for _, group in groupby(ordered, key=lambda problem: problem.status)]


def _name(group: ProblemGroup) -> str:
    return "_or_".join(problem.name for problem in group)


def _problem_answer(group: ProblemGroup) -> dict[str, Any]:
    """Describe the answer of one status, with the problems that have it."""
    values = {"type": {"enum": [problem.uri for problem in group]}, "status": {"const": group[0].status}}
    schema = {"allOf": [_reference(Problem), {"properties": values}]}
    examples = {problem.name: {"summary": problem.title, "value": _example(problem)} for problem in group}
    return {
        "description": " ".join(f"[{problem.name}]({problem.uri}): {problem.title}." for problem in group),
        "content": {"application/problem+json": {"schema": schema, "examples": examples}},
    }


def _example(problem: ProblemType) -> dict[str, Any]:
    return {"type": problem.uri, "title": problem.title, "status": problem.status, "detail": problem.cause}


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=model.__name__)}
