"""A transport that holds what passes through it against the vendors' own OpenAPI descriptions."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

STORAGE = "/storage/v1/object/"
SPECS = Path(__file__).parent / "sandbox" / "specs"


class Contract(httpx2.AsyncBaseTransport):
    """Hands requests on, and fails the test where a request that was taken, or an answer, is not as described.

    `specs` are names of files with the path each begins at; an answer may also have one of the `also` statuses, which
    the descriptions lack, and paths that begin with one of `outside` are in none of them. `met` holds the routes that
    were asked for, `lacking` those that never were.
    """

    def __init__(
        self,
        inner: httpx2.AsyncBaseTransport,
        specs: Mapping[str, str],
        also: frozenset[int] = frozenset(),
        outside: tuple[str, ...] = (),
    ) -> None:
        self.inner = inner
        self.specs = [(Spec.named(name), below) for name, below in specs.items()]
        self.also = also
        self.outside = ("/_sandbox/", STORAGE, *outside)
        self.requests = self.answers = 0
        self.met: Counter[str] = Counter()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send it, and read both sides."""
        await request.aread()
        answer = await self.inner.handle_async_request(request)
        await answer.aread()
        for spec, below in self.specs:
            path = request.url.path
            if path.startswith(self.outside):
                break
            if path.startswith(f"{below}/") and (found := spec.find(request.method, path.removeprefix(below))):
                self.met[f"{request.method} {below}{found}"] += 1
                if answer.is_success:
                    spec.check_request(found, request)
                    self.requests += 1
                spec.check_answer(found, request.method, answer, self.also)
                self.answers += 1
                break
        return answer

    async def aclose(self) -> None:
        """Close the other end."""
        await self.inner.aclose()

    def lacking(self) -> set[str]:
        """Routes that are described and were not asked for."""
        return {f"{route[0]} {below}{route[1]}" for spec, below in self.specs for route in spec.routes} - set(self.met)


class Spec:
    """One OpenAPI description."""

    def __init__(self, name: str) -> None:
        text = (SPECS / f"{name}.json").read_text(encoding="utf-8")
        # Which of several alternatives is meant, a discriminator says; as schemas alone they overlap.
        self.doc = json.loads(text.replace('"oneOf"', '"anyOf"'))
        self.name = name
        self.registry: Registry[Any] = Registry().with_resource("urn:spec", Resource(self.doc, DRAFT202012))
        methods = ("get", "post", "put", "delete", "patch")
        self.routes = [(m.upper(), path) for path, ops in self.doc["paths"].items() for m in ops if m in methods]
        self.shapes = {route: self._shape(route[1]) for route in self.routes}

    @staticmethod
    @cache
    def named(name: str) -> "Spec":
        """Each is read once."""
        return Spec(name)

    @staticmethod
    def _shape(path: str) -> re.Pattern[str]:
        """A template as a pattern; a parameter called `path` may hold slashes."""
        parts = re.split(r"(\{\w+\})", path)
        return re.compile(
            "".join(
                ("(.+)" if part == "{path}" else "([^/]+)") if part.startswith("{") else re.escape(part)
                for part in parts
            )
        )

    def find(self, method: str, path: str) -> str | None:
        """The most literal template that fits."""
        fitting = [t for (m, t), shape in self.shapes.items() if m == method and shape.fullmatch(path)]
        return min(fitting, key=lambda template: (template.count("{"), -len(template))) if fitting else None

    def check_request(self, path: str, request: httpx2.Request) -> None:
        """Its query and its body."""
        operation = self.doc["paths"][path][request.method.lower()]
        where = f"{request.method} {path}"
        known = {row["name"]: row for row in operation.get("parameters", []) if row["in"] == "query"}
        asked = {name.removesuffix("[]") for name in request.url.params}
        assert asked <= {name.removesuffix("[]") for name in known} | {"logs"}, f"{where}: query {asked - set(known)}"
        lacking = {name for name, row in known.items() if row.get("required")} - asked
        assert not lacking, f"{where}: lacks {lacking}"
        if "requestBody" not in operation:
            return
        kinds = operation["requestBody"]["content"]
        kind = request.headers.get("content-type", "").partition(";")[0]
        if not request.content and not operation["requestBody"].get("required"):
            return
        assert kind in kinds, f"{where}: {kind} is none of {list(kinds)}"
        pointer = ("paths", path, request.method.lower(), "requestBody", "content", kind, "schema")
        if kind == "application/json":
            self.check(pointer, json.loads(request.content), where)
        elif kind == "multipart/form-data":
            self.check_form(kinds[kind]["schema"], request.content, where)

    def check_form(self, schema: dict[str, Any], body: bytes, where: str) -> None:
        """The names of a form's parts."""
        while "$ref" in schema:
            schema = self.doc["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        names = {name.decode() for name in re.findall(rb'form-data; name="([^"]+)"', body)}
        bare = {re.sub(r"\[\w*\]$", "", name) for name in names}
        known = {re.sub(r"\[\w*\]$", "", name) for name in schema.get("properties", {})}
        assert bare <= known, f"{where}: parts {bare - known}"
        lacking = {name.removesuffix("[]") for name in schema.get("required", [])} - bare
        assert not lacking, f"{where}: lacks {lacking}"

    def check_answer(self, path: str, method: str, answer: httpx2.Response, also: frozenset[int]) -> None:
        """Its status, kind and body."""
        told = self.doc["paths"][path][method.lower()]["responses"]
        where, status = f"{method} {path} → {answer.status_code}", str(answer.status_code)
        code = next((code for code in (status, f"{status[0]}XX", "default") if code in told), None)
        if code is None:
            assert answer.status_code in also, f"{where} is not described: {answer.text[:300]}"
            return
        kinds = told[code].get("content")
        if not kinds:
            return
        kind = answer.headers.get("content-type", "").partition(";")[0]
        found = next((known for known in kinds if alike(known.partition(";")[0], kind)), None)
        # Subtitles and some streams, which no description speaks of; and bytes, which one calls a JSON string.
        bytes_ = [row.get("schema", {}).get("type") for row in kinds.values()] == ["string"]
        plain = answer.is_success and (kind in ("text/plain", "text/event-stream") or bytes_)
        assert found or plain, f"{where}: {kind} is none of {list(kinds)}"
        if found == "application/json":
            self.check(
                ("paths", path, method.lower(), "responses", code, "content", found, "schema"), answer.json(), where
            )

    def check(self, pointer: tuple[str, ...], value: Any, where: str) -> None:
        """A value against the schema at that place."""
        errors = sorted(self._validator(pointer).iter_errors(value), key=lambda error: len(error.absolute_path))
        told = [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in errors[:3]]
        assert not told, f"{where}: {told}"

    def _validator(self, pointer: tuple[str, ...]) -> Draft202012Validator:
        parts = "/".join(
            part.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D") for part in pointer
        )
        return Draft202012Validator({"$ref": f"urn:spec#/{parts}"}, registry=self.registry)


def alike(known: str, kind: str) -> bool:
    """Whether a described kind covers one."""
    return (
        known in (kind, "*/*")
        or (known == "application/octet-stream" and kind != "application/json")
        or (known.endswith("/*") and kind.startswith(known[:-1]))
    )
