// Charts with uPlot: of data in the page, and of the columns of a result of SQL.
"use strict";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Draw {x, series, labels, kind} into a figure: bars by default, lines for kind "line". */
function draw(figure, data) {
  for (const old of figure.querySelectorAll(".uplot")) old.remove();
  const labels = data.labels;
  const isLine = data.kind === "line";
  const count = data.series.length;
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
  const colours = [colour("--bar"), colour("--bar-2")];
  const width = Math.max(240, figure.clientWidth);
  const options = {
    width,
    height: 240,
    scales: { x: { time: false, range: (u, least, most) => (isLine ? [least, most] : [least - 0.6, most + 0.6]) } },
    axes: [
      { ...axis, values: (u, ticks) => ticks.map((tick) => (labels ? shortened(labels[tick]) : Number.isInteger(tick) ? String(tick) : "")), space: labels ? 70 : 50 },
      { ...axis, size: 60 },
    ],
    series: [
      { label: data.xLabel ?? "year", value: (u, value) => (labels ? labels[value] ?? "" : value ?? "") },
      ...data.series.map((one, number) => ({
        label: one.label,
        stroke: colours[number % 2],
        fill: isLine ? undefined : colours[number % 2],
        width: isLine ? 2 : 0,
        points: { show: isLine },
        paths: isLine ? undefined : bars(count, number),
      })),
    ],
  };
  figure.plot = new uPlot(options, [data.x, ...data.series.map((one) => one.values)], figure);
  figure.dataset.drawn = "true";
}

/** Bars side by side: the numbers of a series stand left or right of its x. */
function bars(count, number) {
  return uPlot.paths.bars({ size: [0.8 / count, 60], align: count === 1 ? 0 : number === 0 ? -1 : 1 });
}

function shortened(text) {
  if (text === undefined) return "";
  return text.length > 12 ? `${text.slice(0, 11)}…` : text;
}

/** The columns of the table of a result, each with its texts and, if all are numbers, its numbers. */
function readColumns(table) {
  const rows = [...table.tBodies[0].rows];
  return [...table.tHead.rows[0].cells].map((head, position) => {
    const cells = rows.map((row) => row.cells[position]);
    const filled = cells.filter((cell) => cell.textContent.trim() !== "");
    const isNumber = filled.length > 0 && filled.every((cell) => cell.dataset.value !== undefined);
    return {
      name: head.textContent,
      texts: cells.map((cell) => cell.textContent.trim()),
      numbers: isNumber ? cells.map((cell) => (cell.dataset.value === undefined ? null : Number(cell.dataset.value))) : null,
    };
  });
}

/** Draw the chosen columns of a result; the first column of texts or numbers over the first other numbers. */
function plotResult(details) {
  const columns = readColumns(document.querySelector("[data-result]"));
  const [x, y, kind] = ["[data-x]", "[data-y]", "[data-kind]"].map((selector) => details.querySelector(selector));
  const figure = details.querySelector("figure");
  const numbers = columns.filter((one) => one.numbers);
  if (!numbers.length) {
    details.querySelector(".empty").hidden = false;
    details.querySelector(".fields").hidden = true;
    figure.hidden = true;
    return;
  }
  x.replaceChildren(...columns.map((one, position) => new Option(one.name, position)));
  y.replaceChildren(...numbers.map((one) => new Option(one.name, columns.indexOf(one))));
  y.value = String(columns.indexOf(numbers.find((one) => columns.indexOf(one) > 0) ?? numbers[0]));
  const update = () => {
    const [over, shown] = [columns[x.value], columns[y.value]];
    const sorted = over.numbers && over.numbers.every((value, i, all) => value !== null && (i === 0 || value > all[i - 1]));
    const data = { kind: kind.value, xLabel: over.name, series: [{ label: shown.name, values: shown.numbers }] };
    draw(figure, sorted ? { ...data, x: over.numbers } : { ...data, x: over.texts.map((_, i) => i), labels: over.texts });
  };
  for (const choice of [x, y, kind]) choice.addEventListener("change", update);
  details.addEventListener("toggle", () => details.open && update());
}

function drawAll() {
  for (const figure of document.querySelectorAll("[data-chart]")) draw(figure, JSON.parse(figure.dataset.chart));
}

drawAll();
for (const details of document.querySelectorAll("[data-plot]")) plotResult(details);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
let resizing = 0;
addEventListener("resize", () => {
  clearTimeout(resizing);
  resizing = setTimeout(drawAll, 150);
});
