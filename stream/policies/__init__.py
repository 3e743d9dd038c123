"""The shipped policies, and reading one by name or from a file.

Owns: where a policy's text comes from. What it means is `stream.core.policy`.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from stream.core.policy import Policy, PolicyError, parse
from stream.core.settings import suggestion

LARGEST_BYTES = 1 << 20  # a policy is a page of text; anything larger is some other file


def shipped() -> tuple[str, ...]:
    """Names of the policies that come with the package."""
    files = resources.files(__name__).iterdir()
    return tuple(sorted(one.name.removesuffix(".toml") for one in files if one.name.endswith(".toml")))


def load(name_or_path: str) -> Policy:
    """Read a shipped policy by its name, or one of your own by its path (which ends in .toml or has a slash).

    Raises PolicyError, which lists everything that is wrong at once.
    """
    return parse(text(name_or_path), name_or_path if name_or_path in shipped() else Path(name_or_path).stem)


def text(name_or_path: str) -> str:
    """The TOML of a policy, named as for `load`. Raises PolicyError when there is none that can be read."""
    if name_or_path in shipped():
        return resources.files(__name__).joinpath(f"{name_or_path}.toml").read_text("utf-8")
    path = Path(name_or_path)
    if path.suffix != ".toml" and len(path.parts) <= 1:
        raise PolicyError(name_or_path, [f"no such policy is shipped{suggestion(name_or_path, shipped())}"])
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except OSError as problem:
        raise PolicyError(name_or_path, [f"can't be read: {problem.strerror}"]) from None
    if len(data) > LARGEST_BYTES:
        raise PolicyError(name_or_path, [f"larger than {LARGEST_BYTES} bytes"])
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise PolicyError(name_or_path, [f"not UTF-8: byte {problem.start} is {data[problem.start]:#04x}"]) from None
