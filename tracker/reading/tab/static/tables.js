// The answer in words and numbers: scores, price, settings. Shares and digits come as words.

import { cell, draw, look, make, mark, swatch, table, title } from "./dom.js";

const OUTCOMES = ["better", "worse", "indistinguishable", "unknown", "incomparable"];
const FIRST = 6; // verdicts that are seen at once; those that say something come first

export function verdicts(comparison) {
  const others = comparison.groups.filter((group) => group.name !== comparison.reference);
  const told = others.map((group) => group.metrics[comparison.metrics[0].tag].verdict).filter(Boolean);
  told.sort((one, other) => OUTCOMES.indexOf(one.outcome) - OUTCOMES.indexOf(other.outcome));
  const list = (some) => make("ul", { class: told.length > 3 ? "verdicts many" : "verdicts" }, ...some.map(verdict));
  if (told.length <= FIRST + 1) return [list(told)];
  const counts = OUTCOMES.map((outcome) => [outcome, told.filter((one) => one.outcome === outcome).length]);
  const summary = counts.filter(([, count]) => count).map(([outcome, count]) => `${count} ${outcome}`);
  return [
    make("p", { class: "lead" }, `Of ${told.length} groups against ${comparison.reference}: ${summary.join(", ")}.`),
    list(told.slice(0, FIRST)),
    make("details", {}, make("summary", {}, `${told.length - FIRST} more`), list(told.slice(FIRST))),
  ];
}

function verdict(one) {
  const words = one.words.replaceAll(" %", "\u00a0%");
  return make("li", { class: one.outcome }, mark(one.outcome), make("span", {}, `${words}.`));
}

export function limits(comparison) {
  const notes = comparison.remarks.map((remark) => make("li", {}, remark));
  const lost = comparison.left_out.map((one) =>
    make("li", {}, "left out: ", make("b", {}, one.run), ` (${one.reason})`),
  );
  if (!notes.length && !lost.length) return null;
  return make(
    "details",
    { class: "limits", open: notes.length + lost.length < 6 },
    make("summary", {}, "Before you believe it"),
    make("ul", {}, ...notes, ...lost),
  );
}

export function scores(one) {
  const ticks = one.ticks.map((tick) => draw("text", { x: tick.at, y: 12 }, tick.label));
  const titles = [
    title("group"),
    title("n"),
    title(`${one.deciding}, mean ± std`),
    title("95 % interval"),
    title(draw("svg", { viewBox: "0 0 240 16", "aria-hidden": "true" }, ...ticks), "drawn"),
    title(one.other),
    title("difference (95 %)"),
    title("p"),
  ];
  return make(
    "figure",
    { class: "scores" },
    make("figcaption", {}, one.title, make("span", {}, `${one.tag}, ${one.goal}`)),
    table(titles, one.rows.map((row) => score(one, row))),
  );
}

function score(one, row) {
  const middle = row.mean === null ? null : draw("path", { class: "middle", d: `M${row.mean} 3v16` });
  const reach =
    row.reach &&
    draw("path", {
      class: "reach",
      d: `M${row.reach[0]} 11H${row.reach[1]}M${row.reach[0]} 7v8M${row.reach[1]} 7v8`,
    });
  const drawn = draw(
    "svg",
    { class: look(row.number), viewBox: "0 0 240 22", "aria-hidden": "true" },
    ...one.ticks.map((tick) => draw("path", { class: "grid", d: `M${tick.at} 0V22` })),
    one.reference === null ? null : draw("path", { class: "base", d: `M${one.reference} 0V22` }),
    ...row.dots.map((dot) => draw("circle", { cx: dot, cy: 11, r: 3 })),
    reach,
    middle,
  );
  return make(
    "tr",
    { class: row.outcome },
    make("th", { scope: "row" }, swatch(row.number), row.name),
    cell(String(row.n)),
    cell(row.deciding, "main"),
    cell(row.interval),
    cell(drawn, "drawn"),
    cell(row.other),
    cell(row.difference),
    make("td", {}, row.p, " ", mark(row.outcome)),
  );
}

export function prices(comparison) {
  if (comparison.groups.every((group) => group.price.parameters === null)) return null; // of others' runs
  const titles = ["group", "parameters", "FLOPs", "images/s", "per epoch", "training", "memory", "to the other's mean"];
  const rows = comparison.groups.map((group, number) => {
    const price = group.price;
    return make(
      "tr",
      {},
      make("th", { scope: "row" }, swatch(number), group.name),
      cell(count(price.parameters)),
      cell(count(price.flops)),
      cell(spread(price.images_per_second, count)),
      cell(durations(price.seconds_per_epoch)),
      cell(durations(price.seconds)),
      cell(price.peak_memory_bytes === null ? "–" : `${count(price.peak_memory_bytes)}B`),
      cell(reach(price.reach), "word"),
    );
  });
  return make(
    "figure",
    {},
    make("figcaption", {}, "price", make("span", {}, "mean ± std over the runs; training alone")),
    table(titles.map((one) => title(one, one === titles.at(-1) ? "word" : undefined)), rows),
  );
}

function reach(one) {
  if (!one) return "–";
  if (!one.steps) return `never reaches ${one.other}'s`;
  const some = one.reached < one.n ? `, ${one.reached} of ${one.n} runs` : "";
  const steps = Math.round(one.steps.mean).toLocaleString("en");
  return `${one.other}'s after ${steps} steps, ${duration(one.seconds.mean)}${some}`;
}

function spread(estimate, form) {
  if (!estimate) return "–";
  return estimate.std === null ? form(estimate.mean) : `${form(estimate.mean)} ± ${form(estimate.std)}`;
}

// 270k, 81.1M, 2.6G: as the command line tells them.
function count(number) {
  if (number === null) return "–";
  const power = number < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(number) / 3));
  return `${Number((number / 1000 ** power).toPrecision(3))}${["", "k", "M", "G", "T"][power]}`;
}

function duration(seconds) {
  return durations({ mean: seconds, std: null });
}

// Both in the unit of the mean, and as exact as that: 2.28 ± 1.00 min.
function durations(estimate) {
  if (!estimate) return "–";
  const seconds = estimate.mean;
  const [size, unit] = seconds < 100 ? [1, "s"] : seconds < 6000 ? [60, "min"] : [3600, "h"];
  const mean = (seconds / size).toPrecision(seconds < 1 ? 2 : 3);
  if (estimate.std === null) return `${mean} ${unit}`;
  return `${mean} ± ${(estimate.std / size).toFixed(mean.split(".")[1]?.length ?? 0)} ${unit}`;
}

export function settings(asked) {
  const names = asked.groups.map(([name], number) => title(make("span", {}, swatch(number), name)));
  const differing = asked.paths.map((path, at) => {
    const values = asked.groups.map(([, of]) => of[at]);
    return make(
      "tr",
      { class: new Set(values).size > 1 ? "differs" : "" },
      make("th", { scope: "row" }, path),
      ...values.map((value) => cell(value, "word")),
    );
  });
  const same = Object.entries(asked.common).map(([path, value]) =>
    make("div", {}, make("dt", {}, path), make("dd", {}, value)),
  );
  if (!differing.length && !same.length) return [];
  return [
    make("h2", {}, "What was asked"),
    differing.length ? table([title("setting"), ...names], differing, "settings") : null,
    same.length
      ? make(
          "details",
          {},
          make("summary", {}, `${same.length} settings are the same in all of them`),
          make("dl", { class: "facts" }, ...same),
        )
      : null,
  ];
}
