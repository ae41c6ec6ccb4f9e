// The page: which study is open, which tool is in hand, what was decided.

import * as server from "./server.js";
import * as parts from "./parts.js";
import { Viewer } from "./viewer.js";

const at = (id) => document.getElementById(id);
const IDLE_SECONDS = 60;
const CLICK_PIXELS = 4;
const state = { studies: [], study: null, numbers: [], tool: "look", pen: 1, place: -1, shown: true, busy: false, seconds: 0, lastMove: 0 };
const viewer = new Viewer(at("gl"), { changed: changed, moved: moved, windowed: windowed });
window.deepgray = { state, viewer }; // for those who look with the browser's own tools

// ---- the worklist

async function listStudies() {
  const told = await server.worklist();
  state.studies = told.studies;
  at("folder").firstElementChild.textContent = told.folder;
  at("folder").title = told.folder;
  const waiting = told.studies.filter((s) => s.state === "needs review").length;
  at("count").textContent = `${waiting} of ${told.studies.length} ask for a look`;
  at("worklist").replaceChildren(...told.studies.map((study) =>
    parts.card(study, { thumbnail: server.thumbnailAt(study), chosen: isOpen(study), choose: () => open(study) })));
}

const isOpen = (study) => state.study?.stem === study.stem && state.study?.task === study.task;

async function open(study, { sure = false } = {}) {
  if (state.busy) return;
  if (!sure && viewer.edited) {
    const answer = await parts.ask("Leave your changes?", "The outline was edited and is not saved.", [["stay", "Stay", "accent"], ["leave", "Leave them"]]);
    if (answer !== "leave") return;
  }
  await busy(async () => {
    say(`Opening ${study.stem} …`);
    const told = await server.study(study, reviewer());
    await viewer.open(told, reviewer());
    show(told);
    Object.assign(state, { place: -1, seconds: 0, lastMove: Date.now(), numbers: [] });
    at("empty").hidden = true;
    use("look");
    viewer.opacity(Number(at("opacity").value));
    viewer.entropy(at("entropy").checked);
    changed();
    say("");
    const numbers = await server.numbers(told);
    if (isOpen(told)) showNumbers(numbers);
  });
}

function show(told) {
  state.study = told;
  at("title").textContent = told.stem;
  at("title").title = told.title;
  at("task").textContent = told.task;
  at("reasons").hidden = !told.words;
  at("reasons").textContent = told.words;
  parts.history(at("history"), told.history);
  parts.agreement(at("agreement"), told.agreement);
  at("others").hidden = told.drawn_by.length < 2;
  const [low, high] = told.window;
  for (const id of ["low", "high"]) {
    Object.assign(at(id), { min: low - (high - low) / 2, max: high + (high - low), step: (high - low) / 200 });
  }
  windowed(low, high);
  const places = told.places.length;
  at("doubt").disabled = !places;
  at("doubt").textContent = places ? `Next doubtful place (${places})` : "No doubtful place";
  for (const item of at("worklist").children) item.classList.toggle("on", item.dataset.stem === told.stem && item.dataset.task === told.task);
}

function showNumbers(numbers) {
  state.numbers = numbers;
  parts.quantities(at("quantity"), numbers);
  parts.numbers(at("numbers"), numbers, at("quantity").value);
}

// ---- the scan

function moved(where) {
  if (!state.study) return;
  const label = viewer.labelAt(viewer.voxel);
  const value = where?.values?.[0]?.value;
  const mm = where?.mm ? [...where.mm].slice(0, 3).map((n) => n.toFixed(1)).join(", ") : "";
  at("where").textContent = [mm && `${mm} mm`, value === undefined ? "" : `value ${value.toPrecision(4)}`, label ? state.study.structures[label - 1].key : ""]
    .filter(Boolean).join("   ·   ");
}

function windowed(low, high) {
  at("low").value = low;
  at("high").value = high;
}

function changed() {
  at("undo").disabled = !viewer.edited;
  at("redo").disabled = !viewer.canRedo;
  at("correct").disabled = !viewer.edited;
  at("accept").disabled = !state.study || viewer.edited;
  at("reject").disabled = !state.study;
  if (state.study) {
    parts.structures(at("structures"), state.study, {
      pen: state.pen, counts: viewer.counts(), hidden: viewer.hidden, choose: (label) => { state.pen = label; use(state.tool); },
      toggle: (label) => { viewer.toggle(label); changed(); },
    });
  }
}

function use(tool) {
  state.tool = tool;
  for (const button of at("tools").children) button.classList.toggle("on", button.dataset.tool === tool);
  const canvas = at("gl").parentElement;
  canvas.classList.toggle("paint", tool === "brush" || tool === "eraser");
  canvas.classList.toggle("smart", tool === "in" || tool === "out");
  if (!state.study) return;
  viewer.use({ tool, pen: state.pen, size: Number(at("size").value), spare: at("spare").checked });
  changed();
}

function nextPlace(by) {
  const places = state.study?.places ?? [];
  if (!places.length) return;
  state.place = (state.place + by + places.length) % places.length;
  const place = places[state.place];
  viewer.look(place.index);
  say(`Doubtful place ${state.place + 1} of ${places.length}${place.structure ? `, ${place.structure}` : ""}: ${place.bits} bits`);
}

async function refine() {
  const [x, y, z] = viewer.voxel;
  await busy(async () => {
    say("Looking for the edge …");
    const before = viewer.counts()[state.pen];
    viewer.putFile(await server.refine(state.study, viewer.file, { x, y, z, label: state.pen, side: state.tool }));
    const change = viewer.counts()[state.pen] - before;
    say(change ? `${change > 0 ? "+" : "−"}${Math.abs(change)} voxels of the ${state.study.structures[state.pen - 1].key}` : "Nothing changed there.");
  });
}

// ---- decisions

const reviewer = () => at("reviewer").value.trim();

async function decide(kind, { revision, sure = false } = {}) {
  if (!state.study || state.busy || at({ accepted: "accept", corrected: "correct", rejected: "reject" }[kind]).disabled) return;
  if (!reviewer()) {
    await parts.ask("Who are you?", "A decision needs a name; write yours at the top right.", [["ok", "Write it", "accent"]]);
    at("reviewer").focus();
    return;
  }
  if (kind === "rejected" && !sure) {
    const words = "Nothing of this study will be measured. It can be corrected later.";
    if ((await parts.ask("Reject the outline?", words, [["no", "Keep it"], ["yes", "Reject", "bad"]])) !== "yes") return;
  }
  const asked = { kind, reviewer: reviewer(), revision: revision ?? state.study.revision, seconds: state.seconds.toFixed(1) };
  await settle(() => server.decide(state.study, kind === "corrected" ? viewer.file : "", asked), async () => decide(kind, { revision: await latest(), sure: true }));
}

async function agree(method) {
  await settle(() => server.consensus(state.study, { method, revision: state.study.revision, reviewer: reviewer() }), () => agree(method));
}

const latest = async () => (await server.study(state.study, reviewer())).revision;

/** Take a decision to the server; when somebody else was quicker, ask what to do. */
async function settle(take, again) {
  let conflict = null;
  await busy(async () => {
    const start = performance.now();
    say("Measuring again …");
    try {
      const told = await take();
      viewer.saved();
      show(told);
      showNumbers(told.numbers);
      state.seconds = 0;
      use(state.tool);
      await listStudies();
      say(`Saved; measured again in ${((performance.now() - start) / 1000).toFixed(1)} s`, "good");
    } catch (error) {
      if (error.status !== 409) throw error;
      conflict = error;
    }
  });
  if (!conflict) return;
  say("Not saved: somebody decided in the meantime.", "bad");
  const answer = await parts.ask("Somebody decided in the meantime", `${conflict.message} Your changes are still here.`, [
    ["wait", "Keep editing"], ["theirs", "Leave mine, show theirs"], ["mine", "Save mine after theirs", "accent"],
  ]);
  if (answer === "mine") await again();
  if (answer === "theirs") await open(state.study, { sure: true });
}

// ---- telling, waiting

function say(words, kind = "") {
  at("said").textContent = words;
  at("said").className = kind;
}

async function busy(work) {
  if (state.busy) return;
  state.busy = true;
  document.body.classList.add("busy");
  try {
    await work();
  } catch (error) {
    say(error.message, "bad");
    if (!(error instanceof server.Refusal)) console.error(error);
    else await parts.ask("Refused", error.message, [["ok", "Close", "accent"]]);
  } finally {
    state.busy = false;
    document.body.classList.remove("busy");
  }
}

/** Count the seconds in which somebody works on the study. */
setInterval(() => {
  if (state.study && document.visibilityState === "visible" && Date.now() - state.lastMove < IDLE_SECONDS * 1000) state.seconds += 1;
}, 1000);
for (const kind of ["pointermove", "keydown", "wheel"]) addEventListener(kind, () => { state.lastMove = Date.now(); }, { passive: true, capture: true });

// ---- hands

at("tools").addEventListener("click", (event) => event.target.dataset.tool && use(event.target.dataset.tool));
at("planes").addEventListener("click", (event) => event.target.dataset.plane && planes(Number(event.target.dataset.plane)));
at("undo").onclick = () => viewer.go(-1);
at("redo").onclick = () => viewer.go(1);
at("doubt").onclick = () => nextPlace(1);
at("accept").onclick = () => decide("accepted");
at("correct").onclick = () => decide("corrected");
at("reject").onclick = () => decide("rejected");
at("staple").onclick = () => agree("staple");
at("majority").onclick = () => agree("majority");
at("size").oninput = () => { at("size-told").value = at("size").value; use(state.tool); };
at("spare").onchange = () => use(state.tool);
at("opacity").oninput = () => state.study && viewer.opacity(Number(at("opacity").value));
at("entropy").onchange = () => state.study && viewer.entropy(at("entropy").checked);
at("smooth").onchange = () => state.study && viewer.smooth(at("smooth").checked);
for (const id of ["low", "high"]) at(id).oninput = () => state.study && viewer.window(Number(at("low").value), Number(at("high").value));
at("quantity").onchange = () => parts.numbers(at("numbers"), state.numbers, at("quantity").value);
at("help-open").onclick = () => at("help").showModal();
at("help").querySelector("[data-close]").onclick = () => at("help").close();
at("reviewer").value = localStorage.getItem("deepgray-reviewer") ?? "";
at("reviewer").onchange = () => {
  localStorage.setItem("deepgray-reviewer", reviewer());
  if (state.study && !viewer.edited) open(state.study, { sure: true }); // each reviewer goes on from their own outline
};
addEventListener("beforeunload", (event) => viewer.edited && event.preventDefault());

let pressed = null;
at("gl").addEventListener("pointerdown", (event) => { pressed = event.button === 0 ? [event.clientX, event.clientY] : null; });
at("gl").addEventListener("pointerup", (event) => {
  const still = pressed && Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) < CLICK_PIXELS;
  if (still && state.study && (state.tool === "in" || state.tool === "out")) setTimeout(refine); // once the crosshair is there
});

function planes(type) {
  for (const button of at("planes").children) button.classList.toggle("on", Number(button.dataset.plane) === type);
  if (state.study) viewer.planes(type);
}

function size(by) {
  at("size").value = Number(at("size").value) + by;
  at("size").oninput();
}

function neighbour(by) {
  const openable = state.studies.filter((s) => s.open);
  const next = openable[openable.findIndex(isOpen) + by];
  if (next) open(next);
}

function flip(id) {
  at(id).checked = !at(id).checked;
  at(id).onchange();
}

function outline() {
  state.shown = !state.shown;
  viewer.opacity(state.shown ? Number(at("opacity").value) : 0);
}

const KEYS = {
  n: () => use("look"), b: () => use("brush"), e: () => use("eraser"), s: () => use("in"), x: () => use("out"),
  "[": () => size(-2), "]": () => size(2), z: () => viewer.go(-1), y: () => viewer.go(1), d: () => nextPlace(1), D: () => nextPlace(-1),
  u: () => flip("entropy"), l: outline, 1: () => planes(3), 2: () => planes(0), 3: () => planes(1), 4: () => planes(2),
  "+": () => viewer.zoom(1.25), "=": () => viewer.zoom(1.25), "-": () => viewer.zoom(0.8), 0: () => viewer.whole(),
  j: () => neighbour(1), k: () => neighbour(-1), A: () => decide("accepted"), C: () => decide("corrected"), R: () => decide("rejected"),
  ArrowLeft: () => viewer.move(1, 0, 0), ArrowRight: () => viewer.move(-1, 0, 0), ArrowUp: () => viewer.move(0, 1, 0),
  ArrowDown: () => viewer.move(0, -1, 0), PageUp: () => viewer.move(0, 0, 1), PageDown: () => viewer.move(0, 0, -1),
};
const ANYTIME = new Set(["j", "k"]);

addEventListener("keydown", (event) => {
  const writing = event.target.matches("input:not([type=range]):not([type=checkbox]), select") || document.querySelector("dialog[open]");
  if (writing || event.altKey || ((event.ctrlKey || event.metaKey) && event.key !== "z" && event.key !== "y")) return;
  event.stopPropagation(); // the viewer has keys of its own
  if (event.key === "?") return at("help").showModal();
  const act = KEYS[event.key];
  if (!act || (!state.study && !ANYTIME.has(event.key))) return;
  event.preventDefault();
  act();
}, true);

listStudies().catch((error) => say(error.message, "bad"));
setInterval(() => !state.busy && document.visibilityState === "visible" && listStudies().catch(() => say("The server does not answer.", "bad")), 15000);
