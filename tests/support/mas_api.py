# SPDX-License-Identifier: GPL-3.0-or-later
"""What the endpoints of MAS's admin API have in common: who may ask, how a body and a
query are read, and the shapes of the answers (facts of MAS 1.22.0: auth errors and
refusals are JSON with titles, a body that cannot be read is refused in plain text)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from .mas_ids import InvalidUlid, parsed_ulid, token_problem, written
from .mas_routes import BASE
from .mas_store import KEYS, Row
from .mas_wire import Reply, Request

if TYPE_CHECKING:
    from .mas import Mas

ADMIN_SCOPE = "urn:mas:admin"
DEFAULT_PAGE = 10


class Refusal(Exception):
    """The answer is this, and nothing more is done."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def refused(status: int, *titles: str) -> Refusal:
    """The first title is the error, the others are its causes."""
    return Refusal(Reply(status, {"errors": [{"title": title} for title in titles]}))


class Caller(NamedTuple):
    """Whose token it is: a client's, or a user's personal one."""

    client_id: str | None
    user_id: str | None


class Shape(NamedTuple):
    """How a row is told."""

    kind: str
    path: str
    attributes: Callable[[Row], dict[str, Any]]


class Filter(NamedTuple):
    """kind: "bool", "ulid", "text", "time" or the words that it may be. A server of
    before `since` does not know it, and ignores it as it ignores all it does not know."""

    kind: str | tuple[str, ...]
    many: bool = False
    since: tuple[int, int, int] = (0, 0, 0)


class Page(NamedTuple):
    forward: bool
    size: int
    after: str | None
    before: str | None
    count: str


# Bodies


def is_json(content_type: str | None) -> bool:
    kind = (content_type or "").partition(";")[0].strip().lower()
    return bool(re.fullmatch(r"application/([^/]+\+)?json", kind))


def body_of(request: Request, optional: bool = False, **fields: str) -> dict[str, Any]:
    """Its fields, each of the kind stated: string, boolean, ulid, u32, time or any;
    with a ? it may be absent or null, with a ~ absent. Others are ignored."""
    content_type = request.header("content-type")
    if content_type is None and optional:
        return {}
    if not is_json(content_type):
        text = "Expected request with `Content-Type: application/json`"
        raise Refusal(Reply.text(415, text))
    try:
        value = json.loads(request.body.decode())
        # Half of a surrogate pair is no character, and no JSON to serde.
        json.dumps(value, ensure_ascii=False).encode()
    except ValueError as error:
        text = f"Failed to parse the request body as JSON: {_syntax(request.body, error)}"
        raise Refusal(Reply.text(400, text)) from error
    if not isinstance(value, dict):
        raise _unfit(request, f"invalid type: {_told(value)}, expected struct Request")
    read: dict[str, Any] = {}
    for name, stated in fields.items():
        kind = stated.rstrip("?~")
        if name not in value and kind == stated:
            raise _unfit(request, f"missing field `{name}`")
        if name not in value:
            continue
        if value[name] is None and stated.endswith("?"):
            read[name] = None
            continue
        try:
            read[name] = KINDS[kind](value[name])
        except ValueError as error:
            raise _unfit(request, f"{name}: {error}") from error
    return read


def _syntax(body: bytes, error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError) and body:
        return f"expected value at line {error.lineno} column {error.colno}"
    return "EOF while parsing a value at line 1 column 0"


def _unfit(request: Request, what: str) -> Refusal:
    lines = request.body.splitlines()
    where = f"at line {len(lines)} column {len(lines[-1])}"
    text = f"Failed to deserialize the JSON body into the target type: {what} {where}"
    return Refusal(Reply.text(422, text))


def _told(value: Any) -> str:
    """As serde tells what it found."""
    if isinstance(value, bool):
        return f"boolean `{str(value).lower()}`"
    if isinstance(value, int):
        return f"integer `{value}`"
    if isinstance(value, float):
        return f"floating point `{value}`"
    if isinstance(value, str):
        return f"string {json.dumps(value, ensure_ascii=False)}"
    return {type(None): "null", list: "sequence", dict: "map"}[type(value)]


def _typed(wanted: type, name: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not wanted:
            raise ValueError(f"invalid type: {_told(value)}, expected {name}")
        return value

    return read


def _u32(value: Any) -> int:
    number = _typed(int, "u32")(value)
    if not 0 <= number < 1 << 32:
        raise ValueError(f"invalid value: integer `{number}`, expected u32")
    return number


def _moment(value: Any) -> int:
    """In nanoseconds."""
    text = _typed(str, "an RFC 3339 formatted date and time string")(value)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("input contains invalid characters") from error
    if moment.tzinfo is None:
        raise ValueError("premature end of input")
    return int(moment.timestamp() * 10**6) * 1000


KINDS: dict[str, Callable[[Any], Any]] = {
    "string": _typed(str, "a string"),
    "boolean": _typed(bool, "a boolean"),
    "ulid": lambda value: parsed_ulid(_typed(str, "a string")(value)),
    "u32": _u32,
    "time": _moment,
    "any": lambda value: value,
}


# Queries


def unknown_variant(value: str, variants: tuple[str, ...]) -> str:
    told = [f"`{variant}`" for variant in variants]
    expected = " or ".join(told) if len(told) == 2 else "one of " + ", ".join(told)
    return f"unknown variant `{value}`, expected {expected}"


def read_parameter(kind: str | tuple[str, ...], value: str) -> Any:
    if isinstance(kind, tuple):
        if value not in kind:
            raise ValueError(unknown_variant(value, kind))
        return value
    if kind == "bool":
        if value not in ("true", "false"):
            raise ValueError("provided string was not `true` or `false`")
        return value == "true"
    if kind == "size":
        if not re.fullmatch(r"\+?[0-9]+", value):
            raise ValueError("invalid digit found in string")
        if int(value) == 0:
            raise ValueError("invalid value: integer `0`, expected a nonzero usize")
        return int(value)
    if kind == "ulid":
        return parsed_ulid(value)
    return _moment(value) if kind == "time" else value


def unreadable(title: str, name: str, error: Exception) -> Refusal:
    cause = f"{name}: {error}"
    return refused(400, title, f"Failed to deserialize query string: {cause}", cause)


class AdminBase:
    """Each endpoint is a method of a class made from this one, by the name that
    mas_routes.py has for it. mas is the server as a whole."""

    SHAPES: dict[str, Shape] = {}

    def __init__(self, mas: Mas) -> None:
        self.mas = mas
        self.store = mas.store

    def has(self, feature: str) -> bool:
        return self.mas.has(feature)

    # Who asks

    def caller(self, request: Request) -> Caller:
        header = request.header("authorization")
        if header is None:
            raise refused(400, "Missing authorization header")
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise refused(400, "Invalid authorization header")
        token = token.strip()
        problem = token_problem(token)
        if problem is not None:
            raise refused(401, "Invalid type of access token", problem)
        if token.startswith("mat_"):
            session, ended = self._session("oauth2", token)
            caller = Caller(session["oauth2_client_id"], session["user_id"])
            users = [caller.user_id]
        elif token.startswith("mpt_") and self.mas.at_least((1, 5, 0)):
            session, ended = self._session("personal", token)
            caller = Caller(None, session["actor_user_id"])
            # Its owner has to be in order; whom it acts for may be locked.
            users = [session["owner_user_id"]]
            actor = self.store.get("users", session["actor_user_id"])
            if not ended and actor is not None and actor["deactivated_at"] is not None:
                raise refused(401, "User locked")
        else:
            raise refused(401, "Invalid type of access token")
        if ended:
            raise refused(401, ended)
        for user_id in users:
            user = self.store.get("users", user_id) if user_id else None
            if user is not None and (user["locked_at"] or user["deactivated_at"]):
                raise refused(401, "User locked")
        if ADMIN_SCOPE not in session["scope"].split():
            raise refused(401, "Missing urn:mas:admin scope")
        return caller

    def _session(self, kind: str, token: str) -> tuple[Row, str | None]:
        """The token's session, and why it is over."""
        found = self.store.find(f"{kind}_access_tokens", access_token=token)
        if not found:
            raise refused(401, "Unknown access token")
        session = self.store.get(f"{kind}_sessions", found[0][f"{kind}_session_id"])
        assert session is not None
        if session.get("finished_at") or session.get("revoked_at"):
            return session, "Access token revoked"
        expires = found[0]["expires_at"]
        over = found[0].get("revoked_at") or (expires is not None and expires <= self.store.now())
        return session, "Access token expired" if over else None

    # What is asked for

    def id_in(self, segment: str) -> str:
        try:
            return parsed_ulid(unquote(segment))
        except InvalidUlid as error:
            raise refused(400, "Invalid ULID in path", str(error)) from error

    def found(self, table: str, key: str, otherwise: str) -> Row:
        row = self.store.get(table, key)
        if row is None:
            raise refused(404, otherwise.format(key))
        return row

    def user(self, key: str) -> Row:
        return self.found("users", key, "User ID {} not found")

    # Answers

    def resource(self, table: str, row: Row) -> dict[str, Any]:
        shape, key = self.SHAPES[table], row[KEYS[table]]
        return {
            "type": shape.kind,
            "id": key,
            "attributes": shape.attributes(row),
            "links": {"self": f"{BASE}{shape.path}/{key}"},
        }

    def single(self, table: str, row: Row, status: int = 200, path: str | None = None) -> Reply:
        told = self.resource(table, row)
        link = told["links"]["self"] if path is None else BASE + path
        return Reply(status, {"data": told, "links": {"self": link}})

    # Lists

    def page(self, request: Request) -> Page:
        title = "Invalid pagination parameters"
        known = {
            "page[before]": "ulid",
            "page[after]": "ulid",
            "page[first]": "size",
            "page[last]": "size",
        }
        read: dict[str, Any] = {}
        kinds: dict[str, str | tuple[str, ...]] = dict(known)
        if self.has("count"):
            kinds["count"] = ("true", "false", "only")
        for name, value in request.query:
            if name not in kinds:
                continue
            try:
                read[name] = read_parameter(kinds[name], value)
            except ValueError as error:
                raise unreadable(title, name, error) from error
        if "page[first]" in read and "page[last]" in read:
            raise refused(400, "Cannot specify both `page[first]` and `page[last]` parameters")
        size = read.get("page[first]", read.get("page[last]", DEFAULT_PAGE))
        return Page(
            "page[last]" not in read,
            size,
            read.get("page[after]"),
            read.get("page[before]"),
            read.get("count", "true"),
        )

    def filters(self, request: Request, **known: Filter) -> dict[str, Any]:
        """By the names that they have between the brackets, with _ for -."""
        read: dict[str, Any] = {}
        for name, value in request.query:
            inner = re.fullmatch(r"filter\[([a-z0-9_-]+)\]", name)
            key = self.filter_key(inner[1]) if inner else ""
            if key not in known or not self.mas.at_least(known[key].since):
                continue
            try:
                one = read_parameter(known[key].kind, value)
            except ValueError as error:
                raise unreadable("Invalid filter parameters", name, error) from error
            read[key] = [*read.get(key, []), one] if known[key].many else one
        return read

    def filter_key(self, name: str) -> str:
        """Most lists have dashes in the names of their filters; one with _ in the place
        of a - is unknown to them."""
        return "" if "_" in name else name.replace("-", "_")

    def listed(self, request: Request, table: str, page: Page, rows: list[Row]) -> Reply:
        """The page of what is left after filtering, in the order of creation."""
        key, path = KEYS[table], BASE + self.SHAPES[table].path
        filtered = [f"{n}={v}" for n, v in request.query if n.startswith("filter[")]
        if page.count != "true":
            filtered.append(f"count={page.count}")
        if page.count == "only":
            link = path + "?" + "&".join(filtered)
            return Reply(200, {"meta": {"count": len(rows)}, "links": {"self": link}})
        within = [
            row
            for row in rows
            if (page.after is None or row[key] > page.after)
            and (page.before is None or row[key] < page.before)
        ]
        shown = within[: page.size] if page.forward else within[-page.size :]

        def link(after: str | None, before: str | None, forward: bool) -> str:
            parts = [*filtered]
            parts += [f"page[before]={before}"] if before else []
            parts += [f"page[after]={after}"] if after else []
            parts.append(f"page[{'first' if forward else 'last'}]={page.size}")
            return path + "?" + "&".join(parts)

        links = {
            "self": link(page.after, page.before, page.forward),
            "first": link(None, None, True),
            "last": link(None, None, False),
        }
        if len(within) > len(shown):
            if page.forward:
                links["next"] = link(shown[-1][key], None, True)
            else:
                links["prev"] = link(None, shown[0][key], False)
        told: dict[str, Any] = {} if page.count == "false" else {"meta": {"count": len(rows)}}
        told["data"] = [self._in_a_list(table, row) for row in shown]
        return Reply(200, told | {"links": links})

    def _in_a_list(self, table: str, row: Row) -> dict[str, Any]:
        told = self.resource(table, row)
        if self.has("cursors"):
            told["meta"] = {"page": {"cursor": row[KEYS[table]]}}
        return told

    def between(self, rows: list[Row], filters: dict[str, Any]) -> list[Row]:
        """Those of the four filters on times that lists of sessions have."""
        tests = {
            "created_before": lambda row, t: row["created_at"] < t,
            "created_after": lambda row, t: row["created_at"] > t,
            "last_active_before": lambda row, t: (row["last_active_at"] or t) < t,
            "last_active_after": lambda row, t: (row["last_active_at"] or t) > t,
        }
        for name, test in tests.items():
            if name in filters:
                rows = [row for row in rows if test(row, filters[name])]
        return rows


def times(row: Row, *names: str) -> dict[str, str | None]:
    return {name: written(row[name]) for name in names}
