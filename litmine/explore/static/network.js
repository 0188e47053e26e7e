// A network of concepts: d3-force finds the places, and links lead to the pages of the concepts or where a node says.
"use strict";

const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function drawNetwork(figure) {
  const { nodes, edges } = JSON.parse(figure.dataset.network);
  const width = Math.max(320, figure.clientWidth - 20);
  const height = Math.round(Math.min(560, Math.max(340, width * 0.6)));
  const most = Math.max(...edges.map((one) => one.articles));
  const radius = (one) => (one.center ? 13 : 5 + 7 * Math.sqrt(one.articles / most));
  const middle = nodes.find((one) => one.center);
  middle.fx = width / 2;
  middle.fy = height / 2;
  const links = edges.map((one) => ({ ...one }));
  const layout = d3
    .forceSimulation(nodes)
    .force("link", d3.forceLink(links).id((one) => one.id).distance((one) => (one.source.center ? width / 4 : width / 6)).strength(0.25))
    .force("charge", d3.forceManyBody().strength(-width / 3))
    .force("collide", d3.forceCollide((one) => radius(one) + 16))
    .force("x", d3.forceX(width / 2).strength(0.05))
    .force("y", d3.forceY(height / 2).strength(0.14))
    .stop();
  layout.tick(250);
  for (const one of nodes) {
    one.x = Math.min(width - 60, Math.max(60, one.x));
    one.y = Math.min(height - 22, Math.max(18, one.y));
  }
  const lines = links.map((one) =>
    element("line", { x1: one.source.x, y1: one.source.y, x2: one.target.x, y2: one.target.y, "stroke-width": 1 + 4 * (one.articles / most) }),
  );
  const known = ["Disease", "Chemical", "Gene", "Protein", "Species", "Person", "Variant", "CellLine", "CellType", "Anatomy", "DNA", "RNA", "AdverseEffect"];
  const shapes = nodes.map((one) => {
    const kind = known.includes(one.type) ? one.type.toLowerCase() : "other";
    const name = one.name.length > 22 ? `${one.name.slice(0, 21)}…` : one.name;
    const about = [one.type, { link: "links", result: "result" }[one.role]].filter(Boolean).join(", ");
    const title = element("title", {}, `${one.name}${about ? ` (${about})` : ""}, ${one.articles} articles`);
    const circle = element("circle", { cx: one.x, cy: one.y, r: radius(one), class: one.role ? `n-${kind} r-${one.role}` : `n-${kind}` });
    const text = element("text", { x: one.x, y: one.y + radius(one) + 13, "text-anchor": "middle" }, name);
    const address = one.address ?? `/concept/${encodeURIComponent(one.id).replaceAll("%3A", ":")}`;
    return element("a", { href: address, "aria-label": title.textContent }, title, circle, text);
  });
  const picture = element("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Network of concepts" }, ...lines, ...shapes);
  figure.querySelector("svg")?.remove();
  figure.prepend(picture);
}

const figures = document.querySelectorAll("[data-network]");
for (const figure of figures) drawNetwork(figure);
