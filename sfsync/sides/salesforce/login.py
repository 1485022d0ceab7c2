"""The ways into an org, each ending in a token and the instance to use it on.

simple-salesforce speaks the token endpoint and the SOAP login; it hard-codes ``https://<domain>.salesforce.com``, so
the addresses are made here from ``login_url`` and ``instance_url`` (http for loopback only, see settings).
Source: wire reference 2.1 and 2.2.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import warnings
from base64 import b64encode
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import urlsplit

import jwt
import requests
from pydantic import SecretStr
from simple_salesforce.exceptions import SalesforceAuthenticationFailed
from simple_salesforce.login import soap_login, token_login

from sfsync.errors import ConfigError, LoginRefused, Unreachable
from sfsync.settings import Salesforce, secret_file
from sfsync.sides.salesforce.refusals import refused

LOGIN_HOST = "https://login.salesforce.com"
LAST_SOAP_VERSION = 64.0  # login() is gone from v65
_SOAP = """<?xml version="1.0" encoding="utf-8" ?>
<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:urn="urn:partner.soap.sforce.com">
<env:Header><urn:CallOptions><urn:client>sfsync</urn:client><urn:defaultNamespace>sf</urn:defaultNamespace>
</urn:CallOptions></env:Header>
<env:Body><n1:login xmlns:n1="urn:partner.soap.sforce.com"><n1:username>{username}</n1:username>
<n1:password>{password}</n1:password></n1:login></env:Body></env:Envelope>"""


@dataclass(frozen=True)
class Grant:
    """What a login gives: the token and the instance's URL (scheme and host, no path)."""

    token: str
    instance_url: str
    username: str = ""

    def __repr__(self) -> str:
        return f"Grant(instance_url={self.instance_url!r})"


def login(config: Salesforce, http: requests.Session) -> Grant:
    """Enter the org the way ``config.auth`` says; ``LoginRefused``, ``Unreachable`` or ``ConfigError`` otherwise."""
    flows = {
        "jwt": _jwt,
        "client-credentials": _client_credentials,
        "session": _session,
        "password": _password,
        "sf-cli": _sf_cli,
    }
    try:
        return flows[config.auth](config, http)
    except SalesforceAuthenticationFailed as error:
        raise refused(str(error.code), str(error.message)) from None
    except requests.exceptions.SSLError:
        raise _unreachable(config, "the certificate of the login host is not trusted", "TLS_FAILED") from None
    except requests.RequestException as error:
        raise _unreachable(config, f"the login host cannot be reached ({type(error).__name__})") from None
    except (AttributeError, ValueError):  # a login page or a proxy's page instead of a token
        raise _unreachable(config, "the login host gave an answer that is not a token", "LOGIN_ANSWER") from None


def _jwt(config: Salesforce, http: requests.Session) -> Grant:
    key = _needed(config, "consumer_key")
    _needed_text(config, "username")
    if config.private_key_file is None:
        raise _missing("private_key_file", config.auth)
    host = config.login_url or config.instance_url or LOGIN_HOST
    claims = {"iss": key, "sub": config.username, "aud": host, "exp": int(time.time()) + 180}
    try:
        assertion = jwt.encode(claims, secret_file(config.private_key_file, "the private key"), algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError):
        raise ConfigError(
            "the private key is not an RSA key in PEM form",
            "PRIVATE_KEY",
            str(config.private_key_file),
            "Name the .key file that belongs to the certificate of the connected app.",
        ) from None
    data = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
    return _token(config, http, host, data, username=config.username)


def _client_credentials(config: Salesforce, http: requests.Session) -> Grant:
    key, secret = _needed(config, "consumer_key"), _needed(config, "consumer_secret")
    host = config.login_url or _needed_text(config, "instance_url")
    basic = b64encode(f"{key}:{secret}".encode()).decode()
    return _token(config, http, host, {"grant_type": "client_credentials"}, {"Authorization": f"Basic {basic}"})


def _session(config: Salesforce, http: requests.Session) -> Grant:
    return Grant(_needed(config, "access_token"), _needed_text(config, "instance_url"), config.username)


def _password(config: Salesforce, http: requests.Session) -> Grant:
    username, password = _needed_text(config, "username"), _needed(config, "password")
    host = config.login_url or config.instance_url or LOGIN_HOST
    if config.consumer_key and config.consumer_secret:
        data = {
            "grant_type": "password",
            "client_id": config.consumer_key.get_secret_value(),
            "client_secret": config.consumer_secret.get_secret_value(),
            "username": username,
            "password": password + _plain(config.security_token),
        }
        return _token(config, http, host, data, username=username)
    version = min(float(config.api_version), LAST_SOAP_VERSION)
    body = _SOAP.format(username=escape(username), password=escape(password + _plain(config.security_token)))
    headers = {"content-type": "text/xml", "charset": "UTF-8", "SOAPAction": "login"}
    token, instance = soap_login(f"{host}/services/Soap/u/{version}", body, headers, http.proxies, http)
    return Grant(token, _with_scheme(instance, host), username)


def _token(
    config: Salesforce,
    http: requests.Session,
    host: str,
    data: dict[str, str],
    headers: dict[str, str] | None = None,
    username: str = "",
) -> Grant:
    with warnings.catch_warnings():  # simple-salesforce warns with a long text; our next step says the same
        warnings.simplefilter("ignore")
        token, instance = token_login(f"{host}/services/oauth2/token", data, "", "", headers, http.proxies, http)
    return Grant(token, _with_scheme(instance, host), username or config.username)


def _with_scheme(instance: str, host: str) -> str:
    """http only where the login itself was on http, which settings allow for loopback alone."""
    scheme = "http" if urlsplit(host).scheme == "http" else "https"
    return f"{scheme}://{instance.rstrip('/')}"


def _sf_cli(config: Salesforce, http: requests.Session) -> Grant:
    shown = _run_sf(["org", "display", "--json"], config)
    instance, token = str(shown.get("instanceUrl", "")), str(shown.get("accessToken", ""))
    if "!" not in token:  # since May 2026 the token is only shown by its own command
        token = str(_run_sf(["org", "auth", "show-access-token", "--json", "--no-prompt"], config).get("accessToken"))
    url = Salesforce(instance_url=instance).instance_url  # the same rules as for a configured URL
    return Grant(token, url, str(shown.get("username", "")))


def _run_sf(arguments: list[str], config: Salesforce) -> dict[str, Any]:
    program = shutil.which("sf")
    if program is None:
        raise LoginRefused(
            "the program sf is not installed", "SF_CLI_MISSING", "salesforce", "Install the Salesforce CLI."
        )
    target = ["--target-org", config.target_org] if config.target_org else []
    environment = os.environ | {"SF_AUTOUPDATE_DISABLE": "true", "NO_COLOR": "1"}
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program, arguments as a list
            [program, *arguments, *target], capture_output=True, text=True, timeout=60, env=environment, check=False
        )
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise LoginRefused("sf did not answer within a minute", "SF_CLI_TIMEOUT", "salesforce") from None
    except json.JSONDecodeError:
        raise LoginRefused("sf gave no JSON", "SF_CLI_ANSWER", "salesforce", "Update the Salesforce CLI.") from None
    if done.returncode or not isinstance(answer.get("result"), dict):
        name = str(answer.get("name") or "SF_CLI_FAILED")
        raise LoginRefused(f"sf refused ({name})", name, "salesforce", "Run: sf org login web --alias …, then again.")
    return dict(answer["result"])


def _unreachable(config: Salesforce, message: str, code: str = "LOGIN_UNREACHABLE") -> Unreachable:
    where = urlsplit(config.login_url or config.instance_url or LOGIN_HOST).netloc
    step = "Check the URL, the network and the proxy settings, then run: sfsync doctor"
    if code == "TLS_FAILED":
        step = "If a proxy of yours inspects TLS, name its certificate in REQUESTS_CA_BUNDLE."
    return Unreachable(message, code, where, step)


def _plain(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


def _needed(config: Salesforce, name: str) -> str:
    value = getattr(config, name)
    if value is None or not value.get_secret_value():
        raise _missing(name, config.auth)
    return str(value.get_secret_value())


def _needed_text(config: Salesforce, name: str) -> str:
    if not getattr(config, name):
        raise _missing(name, config.auth)
    return str(getattr(config, name))


def _missing(name: str, auth: str) -> ConfigError:
    return ConfigError(
        f"salesforce.auth = {auth!r} needs salesforce.{name}",
        "CONFIG_MISSING",
        f"salesforce.{name}",
        f"Set SFSYNC_SALESFORCE__{name.upper()} or the key in sfsync.toml.",
    )
