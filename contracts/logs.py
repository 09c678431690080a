"""One form of log line for every process: time, level, where, what. Values that may be secret are never logged."""

import logging


def configure_logging() -> None:
    """Write to standard error; libraries speak from WARNING on."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name in ("bridge", "tasks", "webapp", "contracts", "agents"):
        logging.getLogger(name).setLevel(logging.INFO)
