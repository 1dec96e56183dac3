"""Settings that are fine on a laptop and wrong where others reach the Nexus."""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from hive_site.commands.checkups.addresses import is_here
from hive_site.commands.checkups.finding import Finding, bad, ok, warn


def check_deployment(
    nexus_url: str, *, debug: bool, hosts: Sequence[str], https: bool
) -> Iterator[Finding]:
    """Everything about how the site is set."""
    alone = is_here(urlsplit(nexus_url).hostname or "")
    yield check_debug(debug, alone=alone)
    yield check_hosts(nexus_url, hosts)
    yield check_tls(nexus_url, https=https, alone=alone)


def check_debug(debug: bool, *, alone: bool) -> Finding:
    """Whether errors show settings and code to whoever provokes them."""
    if not debug:
        return ok("DEBUG", "off")
    mend = "unset DEBUG: error pages show code and settings to everybody"
    return warn("DEBUG", "on", mend) if alone else bad("DEBUG", "on", mend)


def check_hosts(nexus_url: str, hosts: Sequence[str]) -> Finding:
    """Whether the site answers under its own name, and not under any."""
    name = urlsplit(nexus_url).hostname or ""
    shown = ", ".join(hosts) or "none"
    if "*" in hosts:
        mend = f"ALLOWED_HOSTS={name}: with * links can be made to lead elsewhere"
        return bad("ALLOWED_HOSTS", shown, mend)
    if not any(_fits(name, host) for host in hosts):
        mend = f"add {name}, the name in HIVE_NEXUS_URL: requests under it get 400"
        return bad("ALLOWED_HOSTS", shown, mend)
    return ok("ALLOWED_HOSTS", shown)


def check_tls(nexus_url: str, *, https: bool, alone: bool) -> Finding:
    """Whether keys, cookies and packages travel where nobody listens."""
    secure = urlsplit(nexus_url).scheme == "https"
    if secure and not https:
        mend = "HIVE_HTTPS=true on the Nexus: its cookies are sent without TLS, too"
        return bad("TLS", f"{nexus_url}, but HIVE_HTTPS is off", mend)
    if https and not secure:
        mend = "set HIVE_NEXUS_URL to the https:// address: nodes and links go by it"
        return warn("TLS", f"HIVE_HTTPS is on, but {nexus_url}", mend)
    if not (secure or alone):
        mend = "put a TLS proxy before it, then HIVE_HTTPS=true and HIVE_NEXUS_URL=https://…"
        return warn("TLS", f"none: {nexus_url}", mend)
    return ok("TLS", "on" if secure else "not needed: only this machine reaches the Nexus")


def _fits(name: str, host: str) -> bool:
    plain = host.strip("[]").lower()
    return plain == name or (plain.startswith(".") and f".{name}".endswith(plain))
