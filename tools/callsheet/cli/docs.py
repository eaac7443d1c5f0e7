"""What could drift in README.md, SKILL.md and skill/ is written from the code; and the skill is put where agents look.

A page keeps a place for each piece, from `<!-- tables: NAME -->` to `<!-- /tables -->`; the
blocks say what goes there.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from callsheet.errors import RequestError, listed

Blocks = Mapping[str, Callable[..., Iterator[str]]]
"""What each block holds; further words of its name are arguments."""

BLOCK = re.compile(r"^([ #]*<!-- tables: (.+?) -->\n)(?:.*?\n)??([ #]*<!-- /tables -->)$", re.MULTILINE | re.DOTALL)


def write_tables(blocks: Blocks) -> list[Path]:
    """Bring every page of the checkout up to date; gives those that were not."""
    changed = stale(blocks)
    for path in changed:
        path.write_text(fresh(path.read_text(encoding="utf-8"), blocks), encoding="utf-8", newline="\n")
    return changed


def stale(blocks: Blocks) -> list[Path]:
    """The pages of the checkout that say something else than the code."""
    texts = {path: path.read_text(encoding="utf-8") for path in pages()}
    return [path for path, text in texts.items() if fresh(text, blocks) != text]


def pages() -> list[Path]:
    """The pages of the checkout that may hold blocks.

    Raises:
        RequestError: this is an installed package; its pages were finished when it was built.
    """
    root = checkout()
    if root is None:
        raise RequestError("Tables are written in a checkout of the project, and this is an installed package.")
    return [root / "README.md", root / "SKILL.md", *sorted((root / "skill").glob("*.md"))]


def checkout() -> Path | None:
    """The root of the checkout this package is run from, if it is."""
    root = Path(__file__).resolve().parents[3]
    return root if (root / "SKILL.md").is_file() and (root / "pyproject.toml").is_file() else None


def fresh(text: str, blocks: Blocks) -> str:
    """A page with its blocks written anew.

    Raises:
        RequestError: a block has a name that nobody knows.
    """

    def filled(found: re.Match[str]) -> str:
        name, _, more = found[2].partition(" ")
        if name not in blocks:
            raise RequestError(f"There is no block `{name}`; there are {listed(list(blocks))}.")
        return "\n".join([found[1].rstrip("\n"), *blocks[name](*more.split()), found[3]])

    return BLOCK.sub(filled, text)


def install(target: Path, blocks: Blocks | None = None) -> Path:
    """Put the skill into `<target>/callsheet`, its blocks written anew where given, over an older one and nothing else.

    Raises:
        RequestError: that is where it comes from.
    """
    source = origin()
    folder = target.expanduser().absolute() / "callsheet"
    if folder.resolve() == source.resolve():
        raise RequestError(f"{folder} is where the skill comes from.")
    (folder / "skill").mkdir(parents=True, exist_ok=True)
    for old in (folder / "skill").glob("*.md"):
        old.unlink()
    for page in (source / "SKILL.md", *sorted((source / "skill").glob("*.md"))):
        text = page.read_text(encoding="utf-8")
        text = fresh(text, blocks) if blocks else text
        (folder / page.relative_to(source)).write_text(text, encoding="utf-8", newline="\n")
    return folder


def origin() -> Path:
    """Where the skill comes from.

    Raises:
        RequestError: it is not here.
    """
    packaged = Path(__file__).parents[1] / "_skill"
    source = packaged if packaged.is_dir() else checkout()
    if source is None:
        raise RequestError("This package was built without the skill.")
    return source
