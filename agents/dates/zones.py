"""Says for a time zone in which order its people write day and month, and which country's holidays they keep."""

from collections.abc import Mapping
from typing import Final

_US_ZONES: Final = frozenset(
    [
        "America/Adak",
        "America/Anchorage",
        "America/Boise",
        "America/Chicago",
        "America/Denver",
        "America/Detroit",
        "America/Fort_Wayne",
        "America/Indianapolis",
        "America/Juneau",
        "America/Los_Angeles",
        "America/Louisville",
        "America/Menominee",
        "America/Metlakatla",
        "America/New_York",
        "America/Nome",
        "America/Phoenix",
        "America/Shiprock",
        "America/Sitka",
        "America/Yakutat",
        "Pacific/Honolulu",
        "America/Atka",
        "America/Knox_IN",
    ]
)
_US_PREFIXES: Final = ("US/", "America/Indiana/", "America/Kentucky/", "America/North_Dakota/")

_COUNTRIES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("Europe/London", "Europe/Dublin", "Europe/Belfast", "Europe/Jersey", "Europe/Guernsey"), "GB"),
    "Europe/Berlin": "DE", "Europe/Busingen": "DE", "Europe/Vienna": "AT", "Europe/Paris": "FR",
    "Europe/Madrid": "ES", "Atlantic/Canary": "ES", "Africa/Ceuta": "ES", "Europe/Lisbon": "PT",
    "Atlantic/Madeira": "PT", "Atlantic/Azores": "PT",
    **dict.fromkeys(("America/Toronto", "America/Vancouver", "America/Montreal", "America/Winnipeg", "America/Halifax",
                     "America/Edmonton", "America/Regina", "America/St_Johns"), "CA"),
    **dict.fromkeys(("America/Sao_Paulo", "America/Recife", "America/Bahia", "America/Fortaleza", "America/Manaus",
                     "America/Belem", "America/Cuiaba", "America/Maceio", "America/Porto_Velho"), "BR"),
    **dict.fromkeys(("America/Mexico_City", "America/Monterrey", "America/Tijuana", "America/Cancun",
                     "America/Merida", "America/Chihuahua", "America/Hermosillo", "America/Mazatlan"), "MX"),
    "Pacific/Auckland": "AU",
}  # fmt: skip
"""Zone -> the country whose holidays are kept there. New Zealand keeps Mother's and Father's Day as Australia does."""


def writes_month_first(zone: str) -> bool:
    """Return whether "05/04" is May 4th: in the zones of the United States and nowhere else."""
    return zone in _US_ZONES or zone.startswith(_US_PREFIXES)


def country(zone: str) -> str:
    """Return the country whose holidays are kept in a zone, or "" where none is known."""
    if zone.startswith("Australia/"):
        return "AU"
    return "US" if writes_month_first(zone) else _COUNTRIES.get(zone, "")
