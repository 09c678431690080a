"""The fault of a clock that is set forward or back while its process works."""

from tests.faults.context import FaultContext

STEPS = {"a minute": 60, "an hour": 3600, "40 days": 40 * 86400}


def step_clock(context: FaultContext) -> str:
    """Set the clock of one process forward or back for a while, and then right again."""
    if context.clocks is None:
        return "clock step: left out, no libfaketime"
    name = context.choose_process(context.clocks.names)
    step, sign = context.rng.choice(sorted(STEPS)), context.rng.choice((1, -1))
    with context.clocks.stepped(name, sign * STEPS[step]):
        seconds = context.wait(4, 12)
    return f"{name} {step} {'ahead' if sign > 0 else 'behind'} {seconds:.0f} s"
