// What the networks see: the same pictures by every group, and whom they take for whom, at a step.

import { cell, make, swatch, table, title } from "./dom.js";

export function pictures(gallery, evaluation, names, onlyDisputed, address) {
  const cards = gallery.pictures
    .map((name, at) => ({ name, at, isDisputed: disputed(evaluation, at) }))
    .filter((one) => one.isDisputed || !onlyDisputed)
    .map((one) => card(gallery, evaluation, names, one, address));
  return make("div", { class: "cards" }, ...cards);
}

export function disputed(evaluation, at) {
  return new Set(evaluation.groups.map((group) => group.classes[at])).size > 1;
}

export function tally(gallery, evaluation, names) {
  return evaluation.groups.map((group) => {
    const right = group.classes.filter((one, at) => one === gallery.labels[at]).length;
    const run = gallery.runs[names[group.number]];
    return make(
      "span",
      { class: "tally" },
      swatch(group.number),
      `${names[group.number]} `,
      make("b", {}, `${right} of ${gallery.labels.length} right`),
      make("small", {}, ` ${run}`),
    );
  });
}

function card(gallery, evaluation, names, one, address) {
  const named = (number) => gallery.classes[number] ?? String(number);
  const truth = gallery.labels[one.at];
  const rows = evaluation.groups.map((group) => {
    const [answer, sure] = [group.classes[one.at], group.confidence[one.at]];
    const isRight = answer === truth;
    const percent = Math.round(100 * sure);
    const bar = make("i", { class: "bar", "aria-hidden": "true" });
    bar.style.setProperty("--s", `${percent}%`);
    return make(
      "li",
      { class: isRight ? "right" : "wrong", title: `${names[group.number]}: ${named(answer)}, ${percent} % sure` },
      swatch(group.number),
      make("span", { class: "mark", role: "img", "aria-label": isRight ? "right" : "wrong" }, isRight ? "✓" : "✗"),
      make("b", {}, named(answer)),
      bar,
      make("small", {}, `${percent} %`),
    );
  });
  return make(
    "figure",
    { class: one.isDisputed ? "card disputed" : "card" },
    make(
      "figcaption",
      {},
      make("img", { src: address(one.name), alt: `validation picture ${gallery.indices[one.at]}`, loading: "lazy" }),
      make("span", {}, named(truth)),
    ),
    make("ul", {}, ...rows),
  );
}

export function confusions(found) {
  if (!found) return [];
  if (!found.matrices.length) return [pairs(found)];
  const gaps = found.matrices.filter((one) => one.gaps);
  return [
    make(
      "div",
      { class: "matrices" },
      ...found.matrices.map((one) => matrix(found.classes, one.shares, heading(one), one.counts)),
      ...gaps.map((one) => matrix(found.classes, one.gaps, heading(one, ` less ${found.reference}`))),
    ),
    found.pairs.length ? pairs(found) : null,
  ];
}

function heading(one, more = "") {
  return [swatch(one.number), `${one.name}${more}`, make("span", {}, more ? "points" : "% of each true class")];
}

function matrix(classes, shares, caption, counts) {
  const output = make("output", {}, " ");
  const titles = [make("td"), ...classes.map((name) => title(make("span", {}, name)))];
  const rows = shares.map((row, at) => {
    const whole = counts && counts[at].reduce((sum, one) => sum + one, 0);
    const cells = row.map((share, to) => {
      const told = counts
        ? `${classes[at]} taken for ${classes[to]}: ${counts[at][to]} of ${whole} pictures`
        : `${classes[at]} taken for ${classes[to]}: ${share > 0 ? "+" : ""}${share.toFixed(1)} points`;
      return shaded(share, !counts, at === to, told, output);
    });
    return make("tr", {}, make("th", { scope: "row" }, classes[at]), ...cells);
  });
  return make("figure", { class: "matrix" }, make("figcaption", {}, ...caption), table(titles, rows), output);
}

function shaded(share, isGap, isDiagonal, told, output) {
  const shown = Math.round(share);
  const side = isGap ? (shown > 0 ? "up" : "down") : shown > 50 ? "full" : "";
  const one = make(
    "td",
    { class: `${shown ? `shaded ${side}` : ""} ${isDiagonal ? "diagonal" : ""}`, onpointerenter: () => (output.textContent = told) },
    shown ? (isGap && shown > 0 ? `+${shown}` : String(shown)) : "",
  );
  if (shown) one.style.setProperty("--s", `${isGap ? Math.min(60, 2 * Math.abs(shown)) : shown}%`);
  return one;
}

function pairs(found) {
  const titles = [title("is"), title("taken for", "word"), ...found.names.map((name) => title(`${name}, %`))];
  const rows = found.pairs.map((pair) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, pair.true),
      cell(pair.taken, "word"),
      ...pair.shares.map((share, at) => {
        const gap = pair.gaps[at];
        const told = gap === null ? "" : ` (${gap > 0 ? "+" : ""}${gap.toFixed(1)})`;
        return cell(`${share.toFixed(1)}${told}`);
      }),
    ),
  );
  return make(
    "figure",
    {},
    make("figcaption", {}, "what they differ in most", make("span", {}, "in brackets: less the reference, points")),
    table(titles, rows),
  );
}
