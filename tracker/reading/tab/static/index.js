// The Compare tab. The server answers a question about the runs; the page asks again while it is
// looked at, and is drawn anew when the answer changed.

import { make } from "./dom.js";
import { plots } from "./plots.js";
import { confusions, disputed, pictures, tally } from "./sights.js";
import { limits, prices, scores, settings, verdicts } from "./tables.js";

const AGAIN = 2000; // milliseconds, at least
const KEPT = 64; // evaluations that need not be fetched again

const question = { experiment: null, by: "", metric: "", value: "last", reference: "", when: "now" };
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
  } else {
    showControls();
  }
}

function change(name, value) {
  if (name === "experiment") {
    Object.assign(question, { by: "", metric: "" });
    step = null;
  }
  if (name === "experiment" || name === "by") {
    question.reference = "";
    hidden.clear();
  }
  question[name] = value;
  answer = { ...answer, state: "" };
  ask();
}

// Draws a part of the page if what it shows changed: a list that is open and a pointer that rests
// on a curve are left alone.
const shown = new Map();

function partOf(id, told, made) {
  const now = JSON.stringify(told);
  if (shown.get(id) === now) return;
  part(id, ...made());
  shown.set(id, now);
}

function part(id, ...children) {
  shown.delete(id);
  const section = document.getElementById(id);
  section.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
  section.hidden = !section.childElementCount;
}

function show() {
  showControls();
  const comparison = answer.comparison;
  if (!comparison) {
    const why = answer.experiments.length ? answer.why : "There is no run here yet.";
    part("answer", make("h1", {}, "Nothing to compare"), make("p", { class: "why" }, why));
    for (const id of ["scores", "curves", "settings", "sights"]) part(id);
    return;
  }
  partOf("answer", [comparison, answer.step], () => {
    const step = answer.step?.toLocaleString("en");
    const soFar = step && `So far: as all were at step ${step}, for some are still being written.`;
    return [
      make("h1", {}, comparison.question),
      answer.alone ? make("p", { class: "why" }, `${answer.alone}.`) : null,
      ...verdicts(comparison),
      soFar ? make("p", { class: "lead" }, soFar) : null,
      limits(comparison),
    ];
  });
  partOf("scores", [answer.scores, comparison], () => [
    make("h2", {}, "Scores"),
    ...answer.scores.map(scores),
    prices(comparison),
  ]);
  curves();
  partOf("settings", answer.settings, () => settings(answer.settings));
  sights();
}

function curves() {
  const names = groups();
  const lead = "Lines are means, bands one standard deviation of the seeds to either side, thin lines single runs.";
  partOf("curves", [answer.plots, names, [...hidden]], () =>
    answer.plots.length
      ? [make("h2", {}, "Learning curves"), make("p", { class: "lead" }, lead), ...plots(answer.plots, names, hidden, curves)]
      : [],
  );
}

function showControls() {
  const told = answer && [answer.experiments, answer.experiment, answer.axes, answer.tags, answer.states, answer.comparison?.metrics, groups()];
  partOf("controls", [told, question, trouble], controls);
}

function groups() {
  return answer?.comparison?.groups.map((group) => group.name) ?? [];
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
    choice("reference", "held against", groups(), answer?.comparison?.reference, (group) => group),
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

// One slider for the pictures and the matrices of all groups. It stays while what it moves is drawn
// anew, or a hand that drags it would lose it.
async function sights() {
  const gallery = answer.gallery;
  if (!gallery || !gallery.steps.length) return part("sights");
  const of = answer;
  const index = step === null ? gallery.steps.length - 1 : nearest(gallery.steps, step);
  const evaluation = await evaluated(gallery.steps[index]);
  if (of !== answer || !evaluation) return;
  if (!document.getElementById("step")) part("sights", ...tools());
  const names = groups();
  const count = gallery.pictures.filter((_, at) => disputed(evaluation, at)).length;
  const slider = document.getElementById("step");
  slider.max = gallery.steps.length - 1;
  slider.value = index;
  document.getElementById("step-shown").textContent = `step ${gallery.steps[index].toLocaleString("en")}`;
  document.getElementById("disputes").textContent = `only where they disagree (${count} of ${gallery.pictures.length})`;
  document.getElementById("tallies").replaceChildren(...tally(gallery, evaluation, names));
  const cards = pictures(gallery, evaluation, names, onlyDisputed, (name) => here("picture", { name }));
  document.getElementById("seen").replaceChildren(cards);
  const matrices = confusions(evaluation.confusions).filter(Boolean);
  const heading = matrices.length ? [make("h2", {}, "Whom they take for whom")] : [];
  document.getElementById("confused").replaceChildren(...heading, ...matrices);
}

function tools() {
  const move = (event) => {
    const steps = answer.gallery.steps;
    const at = Number(event.target.value);
    step = at === steps.length - 1 ? null : steps[at];
    sights();
  };
  const filter = (event) => {
    onlyDisputed = event.target.checked;
    sights();
  };
  const slider = make("input", { type: "range", id: "step", min: 0, "aria-label": "step", oninput: move });
  const only = make("input", { type: "checkbox", id: "only", checked: onlyDisputed, onchange: filter });
  return [
    make("h2", {}, "What they see"),
    make("p", { class: "lead" }, "The same validation pictures, as one run of each group took them."),
    make(
      "div",
      { class: "bar-of-tools" },
      make("label", {}, make("span", { id: "step-shown" }), slider),
      make("label", {}, only, make("span", { id: "disputes" })),
      make("span", { id: "tallies" }),
    ),
    make("div", { id: "seen" }),
    make("div", { id: "confused" }),
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
