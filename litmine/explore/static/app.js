// What every page needs: completion of concepts, the sign of long work, details that load, the switches of types.
"use strict";

/** Fill the list of a field with the concepts that match what is typed. */
function completeConcepts(field) {
  const list = document.getElementById(field.dataset.complete);
  let waiting = 0;
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const text = field.value.trim();
      if (text.length < 2) return;
      const answer = await fetch(`/api/concepts?size=12&q=${encodeURIComponent(text)}`);
      if (!answer.ok || field.value.trim() !== text) return;
      const { concepts } = await answer.json();
      list.replaceChildren(...concepts.map((one) => {
        const option = document.createElement("option");
        option.value = one.identifier;
        option.label = `${one.name ?? one.identifier} (${one.entity_type}, ${one.articles})`;
        return option;
      }));
    }, 150);
  });
}

/** Say what a form waits for, until the next page is there. */
function showBusy(form) {
  form.addEventListener("submit", () => {
    for (const field of form.querySelectorAll("input[name], select[name]")) field.disabled = field.value === "";
    form.querySelector("button").disabled = true;
    const busy = document.querySelector(".busy");
    busy.textContent = form.dataset.busy;
    busy.hidden = false;
  });
}

/** Say what a link waits for. */
function showBusyLink(link) {
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const busy = document.querySelector(".busy");
    busy.textContent = link.dataset.busy;
    busy.hidden = false;
  });
}

/** Back in the history, a page may come from the browser's memory as it was left. */
function endBusy() {
  document.querySelector(".busy").hidden = true;
  for (const field of document.querySelectorAll("form :disabled")) field.disabled = false;
}

/** When it is opened, show what the page behind its link says, in place of the link. */
function loadDetails(details) {
  const link = details.querySelector("a");
  details.addEventListener("toggle", async () => {
    if (!details.open || !link.isConnected) return;
    link.textContent = "Reading …";
    try {
      const answer = await fetch(link.href);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const loaded = page.querySelector("[data-loaded], [role=alert], .empty");
      link.parentElement.replaceWith(document.adoptNode(loaded));
    } catch {
      link.textContent = "Not loaded; open it on a page";
    }
  });
}

/** Mark only the chosen entity types; the address keeps the choice. */
function switchTypes(form) {
  const boxes = [...form.querySelectorAll("[data-type]")];
  const classes = boxes.map((box) => [...box.parentElement.classList].find((name) => name.startsWith("t-")));
  const marks = [...document.querySelectorAll("[data-marked] mark")];
  form.addEventListener("change", () => {
    const shown = new Set(boxes.filter((box) => box.checked).map((box) => box.dataset.type));
    for (const mark of marks) {
      const types = mark.dataset.types.split(" ").filter((type) => shown.has(type));
      const position = boxes.findIndex((box) => box.dataset.type === types[0]);
      mark.className = types.length ? classes[position] : "off";
      mark.classList.toggle("overlap", types.length > 1);
    }
    const address = new URL(location.href);
    const hidden = boxes.filter((box) => !box.checked).map((box) => box.dataset.name);
    address.searchParams.delete("hide");
    if (hidden.length) address.searchParams.set("hide", hidden.join(","));
    history.replaceState(null, "", address);
  });
}

for (const field of document.querySelectorAll("[data-complete]")) completeConcepts(field);
for (const link of document.querySelectorAll("a[data-busy]")) showBusyLink(link);
for (const details of document.querySelectorAll("details[data-load]")) loadDetails(details);
for (const form of document.querySelectorAll("form[data-busy]")) showBusy(form);
for (const form of document.querySelectorAll("[data-types-form]")) switchTypes(form);
for (const form of document.querySelectorAll("[data-submit-keys]")) {
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
}
addEventListener("pageshow", endBusy);
