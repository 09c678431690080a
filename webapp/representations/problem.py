"""An error, as RFC 9457 describes it."""

from pydantic import Field

from webapp.representations.base import Representation


class Problem(Representation):
    """An error. Compare `type`; show `detail` to a person."""

    type: str = Field(description="The path of the page that describes this problem. It never changes its meaning.")
    title: str = Field(description="The same for each problem of this type.")
    status: int
    detail: str = Field(description="What is wrong with this request, and what to do.")
