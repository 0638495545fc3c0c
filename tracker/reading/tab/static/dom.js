// Elements made of data. Text is only ever set as text, so that no name of a run can be markup.

const SVG = "http://www.w3.org/2000/svg";

export const MARKS = {
  better: "▲",
  worse: "▼",
  indistinguishable: "≈",
  unknown: "?",
  incomparable: "⊘",
};

export function make(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function draw(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// A group's colour and dashes, the same as in the HTML report.
export function look(number) {
  return `c${number % 8} d${(number + Math.floor(number / 8)) % 4}`;
}

export function swatch(number) {
  return draw(
    "svg",
    { class: `swatch ${look(number)}`, viewBox: "0 0 26 10", "aria-hidden": "true" },
    draw("path", { class: "mean", d: "M2 5H24" }),
  );
}

export function mark(outcome) {
  if (!outcome) return null;
  return make("span", { class: "mark", role: "img", title: outcome, "aria-label": outcome }, MARKS[outcome] ?? "");
}

export function table(titles, rows, className) {
  return make(
    "div",
    { class: "scroll" },
    make(
      "table",
      { class: className },
      make("thead", {}, make("tr", {}, ...titles)),
      make("tbody", {}, ...rows),
    ),
  );
}

export function cell(content, className) {
  return make("td", { class: className }, content);
}

export function title(content, className) {
  return make("th", { scope: "col", class: className }, content);
}
