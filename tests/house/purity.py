"""What a pure module may use, as a list of what is allowed: anything new has to be put here on purpose.

Pure means: no network, disk, thread, clock, randomness, environment or logging. Time comes in as a value, and so does
whatever else a rule needs to know.
"""

import ast
from collections.abc import Iterator

ALLOWED_MODULES = {
    "__future__", "abc", "base64", "binascii", "bisect", "collections", "collections.abc", "copy", "csv", "dataclasses",
    "datetime", "decimal", "difflib", "enum", "fractions", "functools", "hashlib", "heapq", "hmac", "html",
    "ipaddress", "itertools", "json", "math", "numbers", "operator", "re", "statistics", "string", "struct", "textwrap",
    "types", "typing", "typing_extensions", "unicodedata", "urllib.parse", "zlib", "zoneinfo",
    # parse and check values, nothing else
    "msgspec", "pydantic",
    # our own; edges are refused below
    "devices", "duty", "gateway", "streams",
}  # fmt: skip
# Of these modules only these names: a generator with a given seed is a value, the module's own is chance; io.StringIO
# and io.BytesIO are memory, io.open is the disk; a cipher with a key and a nonce handed to it is arithmetic.
ALLOWED_NAMES = {
    "contextlib": {"suppress"},
    "cryptography.exceptions": {"InvalidTag"},
    "cryptography.hazmat.primitives.ciphers": {"Cipher", "algorithms", "modes"},
    "cryptography.hazmat.primitives.ciphers.aead": {"AESGCM"},
    "io": {"StringIO", "BytesIO"},
    "random": {"Random"},
}
CHANCE = {"generate_key", "uuid1", "uuid4", "urandom", "token_bytes"}
FORBIDDEN_CALLS = {"open", "print", "input", "exec", "eval", "compile", "breakpoint", "__import__"}
CLOCK_CALLS = {"now", "utcnow", "today"}


def complaints(source: str) -> list[str]:
    """What the source does that a pure module must not, each as "line N: …"."""
    return [f"line {line}: {what}" for line, what in sorted(_complaints(ast.parse(source)))]


def _complaints(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                for alias in names:
                    # Under another name what is used of it could not be seen below.
                    if not _is_allowed(alias.name) and (alias.name not in ALLOWED_NAMES or alias.asname):
                        yield node.lineno, f"imports {alias.name}"
            case ast.ImportFrom(module=module, names=names, level=level):
                whole = "." * level + (module or "")
                for alias in names:
                    if level or not _may_come_from(whole, alias.name):
                        yield node.lineno, f"imports {alias.name} from {whole}"
            case ast.Attribute(value=ast.Name(id=module), attr=name) if name not in ALLOWED_NAMES.get(module, {name}):
                yield node.lineno, f"uses {module}.{name}"
            case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_CALLS:
                yield node.lineno, f"calls {name}()"
            case ast.Call(func=ast.Name(id="Random") | ast.Attribute(attr="Random"), args=[], keywords=[]):
                yield node.lineno, "calls Random() without a seed"
            case ast.Attribute(attr=name) if name in CHANCE:
                yield node.lineno, f"uses chance: {name}"
            case ast.Call(func=ast.Attribute(value=owner, attr=name)) if name in CLOCK_CALLS and _is_clock(owner):
                yield node.lineno, f"asks the clock: {name}()"
            case ast.AsyncFunctionDef() | ast.Await():
                yield node.lineno, "waits for something (async)"
            case _:
                pass


def _is_allowed(module: str) -> bool:
    if "edge" in module.split("."):
        return False
    parts = module.split(".")
    return any(".".join(parts[:length]) in ALLOWED_MODULES for length in _lengths_that_count(parts))


def _lengths_that_count(parts: list[str]) -> list[int]:
    """Of the standard library only the exact module; of our own and of a library also what lies beneath."""
    whole = [len(parts)]
    return [1, *whole] if parts[0] in {"msgspec", "pydantic", "devices", "duty", "gateway", "streams"} else whole


def _may_come_from(module: str, name: str) -> bool:
    if module in ALLOWED_NAMES:
        return name in ALLOWED_NAMES[module]
    return _is_allowed(module) and name != "edge"


def _is_clock(owner: ast.expr) -> bool:
    """datetime.now, dt.datetime.now, date.today: the last name before the call is a class of datetime's."""
    match owner:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in {"datetime", "date"}
        case _:
            return False
