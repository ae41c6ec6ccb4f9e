// Pieces of the page that only show something.

/** Make an element. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const QUANTITIES = { volume: "Volume", volume_partial: "Volume, partial", asymmetry: "Asymmetry" };
const STATES = { "needs review": "needs", reviewed: "reviewed", failed: "failed" };
const digits = (value) => (Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 1 ? 1 : 4);
const told = (value, places) => (value === null ? "–" : value.toFixed(places));
export const unit = (name) => name.replace("mm3", "mm³").replace(/^1$/, "");

/** A card of the worklist. */
export function card(study, { thumbnail, chosen, choose }) {
  const doubt = study.doubt ?? 0;
  return make(
    "li",
    { class: `${chosen ? "on" : ""} ${study.open ? "" : "closed"}`, tabindex: study.open ? 0 : undefined, title: study.words,
      onclick: study.open ? choose : () => {}, onkeydown: (event) => event.key === "Enter" && study.open && choose(),
      "data-stem": study.stem, "data-task": study.task },
    study.open ? make("img", { src: thumbnail, alt: "", loading: "lazy" }) : make("span", { class: "blank" }),
    make("div", {},
      make("b", {}, study.stem),
      make("span", { class: "small soft" }, `${study.task} · `),
      make("span", { class: `state ${STATES[study.state] ?? ""}` }, study.state),
      make("div", { class: "meter", title: study.doubt === null ? "no uncertainty" : `uncertainty: ${doubt.toFixed(2)} of what the task takes without a person` },
        make("i", { class: doubt > 1 ? "high" : "", style: `width:${Math.min(100, doubt * 60)}%` }))),
  );
}

/** The structures with colour, eye and volume; those of one name side by side would hide which side is painted. */
export function structures(table, study, { pen, counts, hidden, choose, toggle }) {
  table.replaceChildren(...study.structures.map((s, n) =>
    make("tr", { class: pen === n + 1 ? "on" : "", onclick: () => choose(n + 1), "data-label": n + 1 },
      make("td", {}, make("span", { class: "swatch", style: `background:rgb(${s.colour})` })),
      make("td", {}, s.key),
      make("td", {}, make("button", {
        class: `eye ${hidden.has(n + 1) ? "off" : ""}`, title: "Show or hide", "aria-label": `Show or hide ${s.key}`,
        onclick: (event) => { event.stopPropagation(); toggle(n + 1); },
      }, "◉")),
      make("td", {}, `${Math.round(counts[n + 1] * study.voxel_mm3)} mm³`))));
}

/** Quantities that there are numbers of. */
export function quantities(select, numbers) {
  const names = [...new Set(numbers.map((n) => n.quantity))];
  const chosen = names.includes(select.value) ? select.value : names[0];
  select.replaceChildren(...names.map((name) => make("option", { value: name }, QUANTITIES[name] ?? name.replaceAll("_", " "))));
  select.value = chosen ?? "";
}

/** The interval of a number in small type below it; nothing where none is known. */
function ranged(range, places) {
  if (!range) return [];
  const between = range[0] < 0 ? " to " : "–";
  return [make("br", {}), make("small", { class: "soft" }, range.map((end) => told(end, places)).join(between))];
}

/** One quantity of each structure: what the network's outline gave, what there is now, the difference. */
export function numbers(table, rows, quantity) {
  const chosen = rows.filter((row) => row.quantity === quantity);
  const name = chosen.length ? unit(chosen[0].unit) : "";
  const side = { left: "left", right: "right", both: "both", midline: "" };
  table.replaceChildren(
    make("thead", {}, make("tr", {}, make("th", {}, name), make("th", {}, "network"), make("th", {}, "now"), make("th", {}, "change"))),
    make("tbody", {}, ...chosen.map((row) => {
      const places = digits(row.before ?? row.now ?? 0);
      const change = row.before === null || row.now === null ? null : row.now - row.before;
      const same = change === null || Math.abs(change) < 0.5 * 10 ** -places;
      return make("tr", { "data-row": `${row.side} ${row.structure}` },
        make("td", {}, row.structure, " ", make("span", { class: "soft" }, side[row.side] ?? "")),
        make("td", {}, told(row.before, places), ...ranged(row.before_range, places)),
        make("td", {}, told(row.now, places), ...ranged(row.now_range, places)),
        make("td", { class: same ? "soft" : change > 0 ? "up" : "down" },
          change === null ? "–" : same ? "=" : `${change > 0 ? "+" : "−"}${Math.abs(change).toFixed(places)}`));
    })));
}

/** Who decided what. */
export function history(list, lines) {
  list.replaceChildren(...lines.toReversed().map((line) =>
    make("li", { title: `labels ${line.sha256}` },
      make("b", {}, line.reviewer), ` ${line.kind} `,
      make("span", { class: "soft" }, [
        new Date(line.when).toLocaleString(), line.added || line.removed ? `+${line.added} −${line.removed} voxels` : "",
        line.seconds === null ? "" : `${Math.round(line.seconds)} s`, line.source === "page" ? "" : `from ${line.source}`,
      ].filter(Boolean).join(" · ")))));
  if (!lines.length) list.append(make("li", { class: "soft" }, "Nobody has decided yet."));
}

/** Dice between each two reviewers. */
export function agreement(place, pairs) {
  place.replaceChildren(...pairs.map((pair) => {
    const known = Object.entries(pair.dice).filter(([, value]) => value !== null);
    const mean = known.reduce((sum, [, value]) => sum + value, 0) / Math.max(known.length, 1);
    return make("p", { class: "small", title: known.map(([key, value]) => `${key} ${value.toFixed(3)}`).join("\n") },
      `${pair.one} and ${pair.other}: mean Dice ${mean.toFixed(3)}`);
  }));
}

/** Ask, and wait for the answer: the key of the button that was pressed, or null. */
export function ask(title, words, buttons) {
  const dialog = document.getElementById("ask");
  dialog.querySelector("h3").textContent = title;
  dialog.querySelector("p").textContent = words;
  return new Promise((resolve) => {
    const close = (value) => { dialog.onclose = null; dialog.close(); resolve(value); };
    dialog.onclose = () => resolve(null);
    dialog.querySelector("div").replaceChildren(...buttons.map(([key, text, kind]) =>
      make("button", { class: kind ?? "", "data-answer": key, onclick: () => close(key) }, text)));
    dialog.showModal();
  });
}
