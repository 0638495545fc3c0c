"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const make = (name, text, className) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  };
  const points = document.getElementById("points");
  const plots = points ? JSON.parse(points.textContent) : [];
  const hidden = new Set();

  // A plot answers for one step at a time: that nearest to the pointer, or moved to by the keys.
  for (const figure of all(".plot")) {
    const plot = plots[Number(figure.dataset.plot)];
    const svg = figure.querySelector("svg[tabindex]");
    const cursor = svg.querySelector(".cursor");
    const readout = figure.querySelector(".readout");
    const places = new Map();
    for (const group of plot.groups) {
      for (const [x, , step] of group.points) places.set(step, x);
    }
    const steps = [...places.keys()].sort((a, b) => a - b);
    let shown = -1;

    const hide = () => {
      shown = -1;
      readout.hidden = true;
      cursor.setAttribute("hidden", "");
    };
    const show = (index) => {
      if (!steps.length || index === shown) return;
      shown = Math.max(0, Math.min(steps.length - 1, index));
      const step = steps[shown];
      const x = places.get(step);
      const here = plot.groups
        .filter((group) => !hidden.has(group.number))
        .map((group) => [group, group.points.find((point) => point[2] === step)])
        .filter(([, point]) => point)
        .sort((a, b) => a[1][1] - b[1][1]);
      cursor.replaceChildren(cursor.firstElementChild);
      cursor.firstElementChild.setAttribute("transform", `translate(${x})`);
      const table = make("table");
      for (const [group, [, y, , words]] of here) {
        const curve = svg.querySelector(`.curve[data-group="${group.number}"]`);
        const dot = document.createElementNS(svg.namespaceURI, "circle");
        dot.setAttribute("class", curve.getAttribute("class").replace("curve ", ""));
        dot.setAttribute("cx", x);
        dot.setAttribute("cy", y);
        dot.setAttribute("r", 4);
        cursor.append(dot);
        const row = table.insertRow();
        const name = make("th", group.name);
        name.prepend(document.querySelector(`button[data-group="${group.number}"] svg`).cloneNode(true));
        row.append(name, make("td", words));
      }
      readout.replaceChildren(make("b", `step ${step.toLocaleString("en")}`), table);
      readout.hidden = false;
      cursor.removeAttribute("hidden");
      const isLeft = x < plot.width / 2;
      readout.style.left = isLeft ? `${(100 * (x + 10)) / plot.width}%` : "auto";
      readout.style.right = isLeft ? "auto" : `${(100 * (plot.width - x + 10)) / plot.width}%`;
    };
    const point = (event) => {
      const box = svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * plot.width;
      let nearest = 0;
      steps.forEach((step, index) => {
        if (Math.abs(places.get(step) - x) < Math.abs(places.get(steps[nearest]) - x)) nearest = index;
      });
      show(nearest);
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

  // The names above the plots single a group out, or hide it, in all of them.
  for (const button of all(".legend button")) {
    const number = Number(button.dataset.group);
    const curves = all(`.curve[data-group="${number}"]`);
    const single = (on) => {
      document.querySelector(".plots").classList.toggle("singled", on && !hidden.has(number));
      curves.forEach((curve) => curve.classList.toggle("on", on));
    };
    button.addEventListener("pointerenter", () => single(true));
    button.addEventListener("pointerleave", () => single(false));
    button.addEventListener("focus", () => single(button.matches(":focus-visible")));
    button.addEventListener("blur", () => single(false));
    button.addEventListener("click", () => {
      const isShown = hidden.delete(number) || (hidden.add(number), false);
      button.setAttribute("aria-pressed", isShown);
      curves.forEach((curve) => curve.toggleAttribute("hidden", !isShown));
      single(isShown);
    });
  }

  // A cell of a confusion matrix says in words what it counts.
  for (const matrix of all(".matrix")) {
    const names = all("thead th", matrix).map((cell) => cell.textContent);
    const output = matrix.querySelector("output");
    const tell = (event) => {
      const cell = event.target.closest("td[data-n]");
      if (!cell) return;
      const row = cell.parentElement;
      const [true_, taken] = [row.cells[0].textContent, names[cell.cellIndex - 1]];
      const count = cell.dataset.n;
      if (/^[+-]/.test(count)) {
        output.textContent = `${true_} taken for ${taken}: ${count} points`;
      } else {
        const whole = [...row.querySelectorAll("td")].reduce((sum, td) => sum + Number(td.dataset.n), 0);
        output.textContent = `${true_} taken for ${taken}: ${count} of ${whole} pictures`;
      }
    };
    matrix.addEventListener("pointerover", tell);
    matrix.addEventListener("click", tell);
  }

  // Paper can't be unfolded.
  addEventListener("beforeprint", () => all("details").forEach((one) => (one.open = true)));
})();
