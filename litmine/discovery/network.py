"""Write the concepts of a search and their connections as a network, for Cytoscape and other tools."""

import json
import re
from pathlib import Path
from typing import Any

from lxml import etree

from litmine.atomic_write import open_atomic
from litmine.discovery.discover import Discovery
from litmine.errors import SettingError

_NODE_KEYS = {"name": "string", "role": "string", "type": "string", "articles": "long"}
_EDGE_KEYS = {
    "articles": "long", "first_year": "long", "relation": "string", "pmid": "long", "sentence": "string",
    "named_in": "string",
}  # fmt: skip
_GRAPHML = "http://graphml.graphdrawing.org/xmlns"
# What XML 1.0 cannot hold.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
START = "start"
_SUFFIXES = (".graphml", ".json")


def check_network_file(file: Path) -> None:
    """Raise SettingError if the suffix is that of no network."""
    if file.suffix.lower() not in _SUFFIXES:
        raise SettingError(f"a network is written to a file that ends in .graphml or .json, not {file.name}")


def write_network(found: Discovery, file: Path) -> tuple[int, int]:
    """Write the start, the results and the linking concepts that are shown, as `.graphml` or Cytoscape.js `.json`.

    Returns the numbers of nodes and edges. Raises SettingError for another suffix, LitmineError when the file cannot be
    written.
    """
    check_network_file(file)
    nodes, edges = network(found)
    if file.suffix.lower() == ".json":
        elements = {"nodes": [{"data": node} for node in nodes], "edges": [{"data": edge} for edge in edges]}
        content = json.dumps({"elements": elements}, ensure_ascii=False, indent=1).encode()
    else:
        content = _graphml(nodes, edges)
    with open_atomic(file) as out:
        out.write(content)
    return len(nodes), len(edges)


def network(found: Discovery) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Nodes (`id`, `name`, `role`, `type`, `articles`) and edges (`id`, `source`, `target` and evidence), each once."""
    nodes: dict[str, dict[str, Any]] = {}
    edges: dict[tuple[str, str], dict[str, Any]] = {}
    for row in found.table.to_pylist():
        nodes.setdefault(START, _node(START, found.start, "start", None, row["start_articles"]))
        for role, prefix in (("result", "concept"), ("link", "link")):
            identifier = row[f"{prefix}_id"]
            node = _node(identifier, row[prefix], role, row[f"{prefix}_type"], row[f"{prefix}_articles"])
            # A concept that is a result and links another one is shown as a result.
            nodes[identifier] = node if role == "result" or identifier not in nodes else nodes[identifier]
        for source, target, side in ((START, row["link_id"], 1), (row["link_id"], row["concept_id"], 2)):
            values = {key: row[f"{key}_{side}"] for key in _EDGE_KEYS}
            edges.setdefault(
                (source, target), {"id": f"{source} {target}", "source": source, "target": target} | values
            )
    return list(nodes.values()), list(edges.values())


def _node(identifier: str, name: str, role: str, kind: str | None, articles: int) -> dict[str, Any]:
    return {"id": identifier, "name": name, "role": role, "type": kind, "articles": articles}


def _graphml(nodes: list[dict[str, Any]], edges: list[dict[str, Any]]) -> bytes:
    root = etree.Element("graphml", xmlns=_GRAPHML)
    for domain, keys in (("node", _NODE_KEYS), ("edge", _EDGE_KEYS)):
        for name, kind in keys.items():
            values = {"id": f"{domain}_{name}", "for": domain, "attr.name": name, "attr.type": kind}
            etree.SubElement(root, "key", values)
    graph = etree.SubElement(root, "graph", {"id": "discovery", "edgedefault": "undirected"})
    for node in nodes:
        _add(graph, "node", {"id": node["id"]}, node, _NODE_KEYS)
    for edge in edges:
        _add(graph, "edge", {name: edge[name] for name in ("id", "source", "target")}, edge, _EDGE_KEYS)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _add(graph: Any, tag: str, attributes: dict[str, str], values: dict[str, Any], keys: dict[str, str]) -> None:
    element = etree.SubElement(graph, tag, {name: _NOT_XML.sub("\ufffd", value) for name, value in attributes.items()})
    for name in keys:
        if values[name] is not None:
            etree.SubElement(element, "data", key=f"{tag}_{name}").text = _NOT_XML.sub("\ufffd", str(values[name]))
