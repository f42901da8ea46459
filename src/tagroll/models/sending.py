"""What leaves this machine, and for whom: which server gets the key, and what the user is told."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from tagroll.models.server.http import parse_address
from tagroll.settings import Settings

KEY_STAYS = (
    "The API key is not sent to {hosts}, whose address does not stand where the key does. Put both in one place:"
    " TAGROLL_API_URL and TAGROLL_API_KEY, a settings file, or the command line."
)


def key_for(settings: Settings, url: str) -> str | None:
    """The key for a server: for one that is not this machine only where both were named together.

    Raises:
        UsageError: The URL cannot be one.
    """
    goes = settings.key_goes_out or parse_address(url).is_local
    return settings.api_key or None if goes else None


def departures(urls: Iterable[str], what: str = "photos") -> tuple[str, ...]:
    """What the user is told before anything is sent to servers that are not this machine: where it goes.

    Raises:
        UsageError: A URL cannot be one.
    """
    hosts = _away(urls)
    return (f"{what} are sent to {hosts}",) if hosts else ()


def key_stays(settings: Settings, urls: Iterable[str]) -> str:
    """What the user is told where a server gets no key though there is one, else ""."""
    hosts = "" if settings.key_goes_out or not settings.api_key else _away(urls)
    return KEY_STAYS.format(hosts=hosts) if hosts else ""


def _away(urls: Iterable[str]) -> str:
    """The names of the servers that are not this machine."""
    addresses = map(parse_address, urls)
    hosts = [urlsplit(address.root).hostname or "" for address in addresses if not address.is_local]
    return " and ".join(dict.fromkeys(hosts))
