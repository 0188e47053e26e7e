"""Hooks of mkdocs.yml: bring the Markdown pages of the repository's root into the site, and adapt links between files.

On GitHub, links lead to files of the repository. The site has only the pages of `docs/` and three pages of the root, so
a link to another file becomes plain text with the path as a tooltip.
"""

import posixpath
import re
from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
# Pages of the repository's root, and their names in the site.
ROOT_PAGES = {"README.md": "readme.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
_FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages of the root."""
    file_type = import_module("mkdocs.structure.files").File
    for source, name in ROOT_PAGES.items():
        files.append(file_type.generated(config, name, content=(ROOT / source).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Adapt the links of a page."""
    name = page.file.src_uri
    source = next((root for root, site in ROOT_PAGES.items() if site == name), f"docs/{name}")
    return site_links(markdown, source, name)


def site_links(markdown: str, source: str, name: str) -> str:
    """Adapt the links of the page `name` of the site; `source` is its path in the repository."""

    def adapted(link: re.Match[str]) -> str:
        text, target = link.groups()
        path, hash_sign, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target) or not path:
            return link.group()
        linked = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if linked.startswith("docs/") and linked.endswith(".md"):
            in_site = linked.removeprefix("docs/")
        elif linked in ROOT_PAGES:
            in_site = ROOT_PAGES[linked]
        else:
            return f'<span title="{escape(linked)}{hash_sign}{anchor}">{text}</span>'
        return f"[{text}]({posixpath.relpath(in_site, posixpath.dirname(name) or '.')}{hash_sign}{anchor})"

    parts = _FENCE.split(markdown)
    return "".join(part if part.startswith("```") else _LINK.sub(adapted, part) for part in parts)
