"""GET /usage: what the results of a user's thoughts used. Its route is in `webapp.api.thoughts`."""

from typing import Final

from flask import Response

from webapp import access, serializers
from webapp.api import headers
from webapp.api.etags import tagged_by_content
from webapp.api.parameters import UsageQuery
from webapp.api.requests import requested
from webapp.operations import Answer, Operation, described
from webapp.problem_types import INVALID_VALUE, OTHER_USER
from webapp.representations import UserUsage, json_response
from webapp.services import services
from webapp.usage import usage_per_day

_USAGE: Final = Operation(
    id="getUsage",
    tag="Usage",
    summary="Sum what a user's thoughts used",
    description="Calls, tokens and cost of saved results, in all and per day in UTC. Copied results used nothing.",
    query=UsageQuery,
    headers=(headers.IF_NONE_MATCH,),
    answers={
        200: Answer("The sums.", UserUsage, headers=(headers.ETAG,)),
        304: headers.UNCHANGED,
    },
    problems=(OTHER_USER, INVALID_VALUE),
)


@described(_USAGE)
def usage() -> Response:
    """Return what the results of a user's thoughts used, in all and per day in UTC, today and the days before.

    Without `user_id` these are the thoughts of the cookie's user.
    """
    query, user_id = requested(UsageQuery), access.requested_reader()
    figures = usage_per_day(services().database, user_id, query.days)
    return tagged_by_content(json_response(serializers.user_usage(user_id, figures)))
