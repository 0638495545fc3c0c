// Learning curves. Paths and words come ready from the server; here a pointer is answered.

import { draw, look, make, swatch } from "./dom.js";

export function plots(shown, names, hidden, changed) {
  const numbers = [...new Set(shown.flatMap((plot) => plot.curves.map((curve) => curve.number)))];
  const buttons = numbers.map((number) =>
    make(
      "button",
      {
        type: "button",
        "aria-pressed": String(!hidden.has(number)),
        onclick: () => {
          if (!hidden.delete(number)) hidden.add(number);
          changed();
        },
      },
      swatch(number),
      names[number],
    ),
  );
  return [
    make("div", { class: "legend", role: "group", "aria-label": "Groups shown" }, ...buttons),
    make(
      "div",
      { class: numbers.length > 6 ? "plots crowded" : "plots" },
      ...shown.map((plot) => figure(plot, names, hidden)),
    ),
  ];
}

function figure(plot, names, hidden) {
  const curves = plot.curves.filter((curve) => !hidden.has(curve.number));
  const cursor = draw("g", { class: "cursor" });
  const readout = make("div", { class: "readout", "aria-live": "polite" });
  readout.hidden = true;
  const svg = draw(
    "svg",
    {
      viewBox: `0 0 ${plot.width} ${plot.height}`,
      role: "img",
      tabindex: 0,
      "aria-label": `${plot.title} by step. At the end: ${plot.end}`,
    },
    axes(plot),
    ...curves.map(curve),
    cursor,
  );
  answer(svg, cursor, readout, plot, curves, names);
  return make(
    "figure",
    { class: "plot" },
    make("figcaption", {}, plot.title, make("span", {}, plot.tag)),
    make("div", { class: "paper" }, svg, readout),
    plot.notes.length ? make("p", { class: "note" }, `${plot.notes.join("; ")}.`) : null,
  );
}

function axes(plot) {
  const right = plot.width - 12;
  const lines = plot.y_ticks.flatMap((tick) => [
    draw("path", { d: `M54 ${tick.at}H${right}` }),
    draw("text", { class: "y", x: 46, y: tick.at + 4 }, tick.label),
  ]);
  const labels = plot.x_ticks.map((tick) => draw("text", { x: tick.at, y: plot.height - 20 }, tick.label));
  const step = draw("text", { x: (54 + right) / 2, y: plot.height - 3 }, "step");
  return draw("g", { class: "axes" }, ...lines, ...labels, step);
}

function curve(one) {
  return draw(
    "g",
    { class: `curve ${look(one.number)}`, "data-group": one.number },
    one.band ? draw("path", { class: "band", d: one.band }) : null,
    ...one.members.map((member) => draw("path", { class: "member", d: member })),
    draw("path", { class: "mean", d: one.mean }),
  );
}

// A plot answers for one step at a time: that nearest to the pointer, or moved to by the keys.
function answer(svg, cursor, readout, plot, curves, names) {
  const places = new Map();
  for (const one of curves) for (const [x, , step] of one.points) places.set(step, x);
  const steps = [...places.keys()].sort((a, b) => a - b);
  let shown = -1;

  const hide = () => {
    shown = -1;
    readout.hidden = true;
    cursor.replaceChildren();
  };
  const show = (index) => {
    if (!steps.length) return;
    shown = Math.max(0, Math.min(steps.length - 1, index));
    const step = steps[shown];
    const x = places.get(step);
    const here = curves
      .map((one) => [one.number, one.points.find((point) => point[2] === step)])
      .filter(([, point]) => point)
      .sort((a, b) => a[1][1] - b[1][1]);
    cursor.replaceChildren(
      draw("path", { d: `M${x} 12V${plot.height - 38}` }),
      ...here.map(([number, [, y]]) => draw("circle", { class: look(number), cx: x, cy: y, r: 4 })),
    );
    const rows = here.map(([number, [, , , words]]) =>
      make("tr", {}, make("th", {}, swatch(number), names[number]), make("td", {}, words)),
    );
    readout.replaceChildren(
      make("b", {}, `step ${step.toLocaleString("en")}`),
      make("table", {}, make("tbody", {}, ...rows)),
    );
    readout.hidden = false;
    const isLeft = x < plot.width / 2;
    readout.style.left = isLeft ? `${(100 * (x + 10)) / plot.width}%` : "auto";
    readout.style.right = isLeft ? "auto" : `${(100 * (plot.width - x + 10)) / plot.width}%`;
  };
  const point = (event) => {
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * plot.width;
    const far = (step) => Math.abs(places.get(step) - x);
    show(steps.reduce((best, step, index) => (far(step) < far(steps[best]) ? index : best), 0));
  };
  svg.addEventListener("pointermove", point);
  svg.addEventListener("pointerdown", point);
  svg.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && hide());
  svg.addEventListener("blur", hide);
  svg.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: shown - 1, ArrowRight: shown + 1, Home: 0, End: steps.length - 1 };
    if (event.key === "Escape") hide();
    if (!(event.key in moves)) return;
    event.preventDefault();
    show(moves[event.key]);
  });
}
