// The Compare tab. The server answers a question about the runs; the page asks again while it is
// looked at, and is drawn anew when the answer changed.

import { make } from "./dom.js";
import { plots } from "./plots.js";
import { confusions, disputed, pictures, tally } from "./sights.js";
import { limits, prices, scores, settings, verdicts } from "./tables.js";

const AGAIN = 2000; // milliseconds, at least
const KEPT = 64; // evaluations that need not be fetched again

const question = { experiment: null, by: "", metric: "", value: "last", when: "now" };
const hidden = new Set(); // groups that are not drawn
let answer = null;
let step = null; // of the pictures; null follows the last one
let onlyDisputed = false;
let trouble = "";
const evaluations = new Map();

export async function render() {
  followColours();
  document.head.append(make("link", { rel: "stylesheet", href: here("view.css") }));
  document.body.replaceChildren(
    make("header", { id: "controls" }),
    ...["answer", "scores", "curves", "settings", "sights"].map((id) => make("section", { id })),
  );
  await keepAsking();
}

// Less often where an answer takes long, so that TensorBoard has time for other things.
async function keepAsking() {
  const began = performance.now();
  if (document.visibilityState === "visible") await ask();
  setTimeout(keepAsking, Math.max(AGAIN, 10 * (performance.now() - began)));
}

function here(path, query = {}) {
  const url = new URL(path, import.meta.url);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== "") url.searchParams.set(name, value);
  }
  if (query.experiment === "") url.searchParams.set("experiment", "");
  return url.href;
}

// TensorBoard says whether it is dark on its own page's body; this frame is of the same origin.
function followColours() {
  const outer = window.parent.document.body;
  const follow = () => document.documentElement.classList.toggle("dark", outer.classList.contains("dark-mode"));
  new MutationObserver(follow).observe(outer, { attributes: true, attributeFilter: ["class"] });
  follow();
}

let asking = 0;

async function ask() {
  const number = ++asking;
  const before = trouble;
  let found = null;
  try {
    const response = await fetch(here("answer", { ...question, known: answer?.state ?? "" }));
    if (!response.ok) throw new Error(String(response.status));
    found = await response.json();
    trouble = "experiment" in found ? "" : (found.why ?? "");
  } catch {
    trouble = "TensorBoard does not answer; trying again";
  }
  if (number !== asking) return; // something else was asked meanwhile
  if (found && "experiment" in found) {
    answer = found;
    evaluations.clear();
    show();
  } else if (trouble !== before) {
    part("controls", ...controls());
  }
}

function change(name, value) {
  if (name === "experiment") {
    Object.assign(question, { by: "", metric: "" });
    hidden.clear();
    step = null;
  }
  question[name] = value;
  answer = { ...answer, state: "" };
  ask();
}

function part(id, ...children) {
  const section = document.getElementById(id);
  section.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
  section.hidden = !section.childElementCount;
}

function show() {
  part("controls", ...controls());
  const comparison = answer.comparison;
  if (!comparison) {
    const why = answer.experiments.length ? answer.why : "There is no run here yet.";
    part("answer", make("h1", {}, "Nothing to compare"), make("p", { class: "why" }, why));
    for (const id of ["scores", "curves", "settings", "sights"]) part(id);
    return;
  }
  const soFar = answer.step && `So far: as all were at step ${answer.step.toLocaleString("en")}, for some are still being written.`;
  part(
    "answer",
    make("h1", {}, comparison.question),
    verdicts(comparison),
    soFar ? make("p", { class: "lead" }, soFar) : null,
    limits(comparison),
  );
  part("scores", make("h2", {}, "Scores"), ...answer.scores.map(scores), prices(comparison));
  curves();
  part("settings", make("h2", {}, "What was asked"), ...settings(answer.settings));
  sights();
}

function curves() {
  const names = answer.comparison.groups.map((group) => group.name);
  const drawn = answer.plots.length ? plots(answer.plots, names, hidden, curves) : [];
  const lead = "Lines are means, bands one standard deviation of the seeds to either side, thin lines single runs.";
  part("curves", drawn.length ? make("h2", {}, "Learning curves") : null, drawn.length ? make("p", { class: "lead" }, lead) : null, ...drawn);
}

function controls() {
  const name = (experiment) => experiment || "event files of others";
  const running = answer?.states?.running ?? 0;
  const states = Object.entries(answer?.states ?? {}).map(([state, count]) =>
    answer.experiment === "" ? `${count} folders of event files` : `${count} ${state}`,
  );
  const own = answer?.comparison && !question.metric ? `: ${answer.comparison.metrics[0].tag}` : "";
  return [
    choice("experiment", "experiment", answer?.experiments ?? [], answer?.experiment, name),
    choice("by", "grouped by", ["", ...(answer?.axes ?? [])], question.by, (path) => path || "all that differs"),
    choice("metric", "judged by", ["", ...(answer?.tags ?? [])], question.metric, (tag) => tag || `its own${own}`),
    choice("value", "value", ["last", "best"], question.value, (value) => value),
    running ? choice("when", "runs", ["now", "end"], question.when, (when) => (when === "now" ? "as of now" : "finished alone")) : null,
    make("span", { class: "states" }, states.join(", ")),
    trouble ? make("span", { class: "trouble", role: "status" }, trouble) : null,
  ];
}

function choice(id, label, values, chosen, name) {
  if (values.length < 2) return null;
  const options = values.map((value) => make("option", { value, selected: value === chosen }, name(value)));
  return make("label", {}, label, make("select", { id, onchange: (event) => change(id, event.target.value) }, ...options));
}

// One slider for the pictures and the matrices of all groups.
async function sights() {
  const gallery = answer.gallery;
  if (!gallery || !gallery.steps.length) return part("sights");
  const of = answer;
  const index = step === null ? gallery.steps.length - 1 : nearest(gallery.steps, step);
  const evaluation = await evaluated(gallery.steps[index]);
  if (of !== answer || !evaluation) return;
  const names = answer.comparison.groups.map((group) => group.name);
  const matrices = confusions(evaluation.confusions);
  const slider = document.getElementById("step");
  const isHeld = slider && document.activeElement === slider;
  part(
    "sights",
    make("h2", {}, "What they see"),
    make("p", { class: "lead" }, "The same validation pictures, as one run of each group took them."),
    make("div", { class: "bar-of-tools" }, ...tools(gallery, evaluation, index), ...tally(gallery, evaluation, names)),
    pictures(gallery, evaluation, names, onlyDisputed, (name) => here("picture", { name })),
    matrices.length ? make("h2", {}, "Whom they take for whom") : null,
    ...matrices,
  );
  if (isHeld) document.getElementById("step").focus();
}

function tools(gallery, evaluation, index) {
  const last = gallery.steps.length - 1;
  const moved = (event) => {
    const at = Number(event.target.value);
    step = at === last ? null : gallery.steps[at];
    sights();
  };
  const count = gallery.pictures.filter((_, at) => disputed(evaluation, at)).length;
  const only = make("input", { type: "checkbox", id: "only", onchange: (event) => ((onlyDisputed = event.target.checked), sights()) });
  only.checked = onlyDisputed;
  const slider = make("input", { type: "range", id: "step", min: 0, max: last, "aria-label": "step", oninput: moved });
  slider.value = index;
  return [
    make("label", {}, `step ${gallery.steps[index].toLocaleString("en")}`, slider),
    evaluation.groups.length > 1 ? make("label", {}, only, `only where they disagree (${count} of ${gallery.pictures.length})`) : null,
  ];
}

function nearest(steps, wanted) {
  return steps.reduce((best, one, at) => (Math.abs(one - wanted) < Math.abs(steps[best] - wanted) ? at : best), 0);
}

async function evaluated(at) {
  const of = answer;
  if (!evaluations.has(at)) {
    try {
      const response = await fetch(here("evaluation", { ...question, experiment: of.experiment, step: at }));
      if (!response.ok) throw new Error(String(response.status));
      const found = await response.json();
      if (of !== answer || !found.groups) return null;
      if (evaluations.size >= KEPT) evaluations.clear();
      evaluations.set(at, found);
    } catch {
      return null; // the next answer asks again
    }
  }
  return evaluations.get(at);
}
