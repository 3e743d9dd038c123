"""The page's bundle: npm's packages installed once, bundled anew when anything of it has changed.

Owns: the folder `node_modules` beside it and the bundle inside.
"""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
MODULES: Final = HERE / "node_modules"
ICONS: Final = MODULES / "@grafana/ui/dist/public/img/icons"
FONT: Final = MODULES / "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2"
INSTALL_SECONDS: Final = 300


class PreviewError(RuntimeError):
    """The preview can't go on; the text says why and what to do."""


def bundle() -> Path:
    """The folder with index.js and index.css, made if need be."""
    packages = _digest([HERE / "package.json", HERE / "package-lock.json"])
    installed = MODULES / ".lapse-installed"
    if not installed.exists() or installed.read_text() != packages:
        _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
        installed.write_text(packages)
    page = _digest([HERE / "build.mjs", installed, *sorted((HERE / "page").iterdir())])
    folder = MODULES / ".lapse-page"
    built = folder / "digest"
    if not built.exists() or built.read_text() != page:
        _run(["node", "build.mjs", str(folder)])
        built.write_text(page)
    return folder


def _digest(files: list[Path]) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, cwd=HERE, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )  # fmt: skip
    except FileNotFoundError as error:
        raise PreviewError(f"{command[0]} is missing; on Debian: apt-get install nodejs npm") from error
    if done.returncode:
        raise PreviewError(f"{' '.join(command)} failed:\n{done.stderr[-3000:] or done.stdout[-3000:]}")
