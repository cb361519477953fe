// The explorer: curves and numbers of a pair's kernels at the correlation and the variance that the sliders choose.
"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const WIDTH = 340;
  const HEIGHT = 210;
  const BOX = { left: 48, top: 10, right: WIDTH - 10, bottom: HEIGHT - 34 };

  /** The curves; each function takes S, T and c = ρq. */
  const NTK = (s, t, c) => s + c * t;
  const GATED = (s, t, c) => 2 * c * s + c * c * t;
  const PANELS = [
    { title: "NTK", curves: [["plain", "K = S + cT", NTK], ["gated", "K̃ = 2cS + c²T", GATED]] },
    { title: "NNGP", curves: [["plain", "S", (s) => s], ["gated", "cS", (s, t, c) => c * s]] },
    { title: "S = E[φ(u)φ(v)]", curves: [["ink", "S", (s) => s]] },
    { title: "T = E[φ′(u)φ′(v)]", curves: [["ink", "T", (s, t) => t]] },
  ];

  const made = (tag, attributes = {}, text = "") => {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.textContent = text;
    return node;
  };
  const html = (tag, text = "", attributes = {}) => {
    const node = Object.assign(document.createElement(tag), attributes);
    node.textContent = text;
    return node;
  };

  /** Five digits; what is 0 but for rounding is 0. */
  const printed = (value, size = 1) =>
    Math.abs(value) <= 1e-12 * size ? "0" : String(Number(value.toPrecision(5))).replaceAll("-", "−");

  /** Round numbers that cover the range, about five. */
  function ticks(low, high) {
    const rough = (high - low) / 5;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough);
    const first = Math.ceil(low / step - 1e-9);
    const count = Math.floor(high / step + 1e-9) - first + 1;
    return Array.from({ length: count }, (_, k) => Number(((first + k) * step).toPrecision(12)));
  }

  /** S and T of a pair on the grid, by index of the variance: arrays over ρ. */
  function reader(data, pair) {
    const bytes = Uint8Array.from(atob(pair.table), (char) => char.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    const n = data.rho.length;
    return (variance) => {
      const row = pair.homogeneous ? 0 : variance;
      const q = data.variances[variance];
      const column = (which, factor) =>
        data.rho.map((_, i) => factor * view.getFloat64(8 * ((2 * row + which) * n + i), true));
      return { q, s: column(0, pair.homogeneous ? q : 1), t: column(1, 1), c: data.rho.map((rho) => rho * q) };
    };
  }

  /** An empty panel, and the function that draws into it. */
  function panel(parent, { title, curves }, rho) {
    const figure = html("figure");
    const caption = html("figcaption");
    caption.append(html("b", title));
    for (const [colour, label] of curves.length > 1 ? curves : []) {
      caption.append(html("span", label, { className: colour }));
    }
    const svg = made("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
    figure.append(caption, svg);
    parent.append(figure);
    const x = (value) => BOX.left + ((value + 1) / 2) * (BOX.right - BOX.left);

    return ({ s, t, c }, at, relative) => {
      const last = rho.length - 1;
      const values = curves.map(([, , f]) => {
        const over = relative ? f(s[last], t[last], c[last]) : 1;
        return rho.map((_, i) => f(s[i], t[i], c[i]) / over);
      });
      const low = Math.min(0, ...values.flat());
      const high = Math.max(...values.flat());
      const y = (value) => BOX.bottom - ((value - low) / (high - low)) * (BOX.bottom - BOX.top);
      svg.replaceChildren();
      for (const value of ticks(-1, 1)) {
        svg.append(made("line", { class: "grid", x1: x(value), x2: x(value), y1: BOX.top, y2: BOX.bottom }));
        svg.append(made("text", { x: x(value), y: BOX.bottom + 14, "text-anchor": "middle" }, printed(value)));
      }
      for (const value of ticks(low, high)) {
        const kind = value === 0 ? "zero" : "grid";
        svg.append(made("line", { class: kind, x1: BOX.left, x2: BOX.right, y1: y(value), y2: y(value) }));
        svg.append(made("text", { x: BOX.left - 5, y: y(value) + 4, "text-anchor": "end" }, printed(value, high)));
      }
      svg.append(made("text", { x: (BOX.left + BOX.right) / 2, y: HEIGHT - 4, "text-anchor": "middle" }, "ρ"));
      svg.append(made("line", { class: "now", x1: x(rho[at]), x2: x(rho[at]), y1: BOX.top, y2: BOX.bottom }));
      values.forEach((column, k) => {
        const colour = curves[k][0];
        const points = column.map((value, i) => `${x(rho[i]).toFixed(1)},${y(value).toFixed(1)}`);
        svg.append(made("path", { class: `curve ${colour}`, d: `M${points.join("L")}` }));
        const [px, py] = [x(rho[at]), y(column[at])];
        const mark = colour === "gated" ? { x: px - 4, y: py - 4, width: 8, height: 8 } : { cx: px, cy: py, r: 4.5 };
        svg.append(made(colour === "gated" ? "rect" : "circle", { class: `mark ${colour}`, ...mark }));
      });
      const said = curves.map(([, label], k) => `${label}: ${printed(values[k][at], high)}`).join("; ");
      svg.setAttribute("aria-label", `${title} against ρ${relative ? ", over the value at ρ = 1" : ""}. ${said}.`);
    };
  }

  /** The numbers at one place. */
  function tabulate(table, pair, { q, s, t, c }, rho, at) {
    const last = s.length - 1;
    const [plain, gated] = [NTK, GATED].map((f) => f(s[at], t[at], c[at]));
    const [plain1, gated1] = [NTK, GATED].map((f) => f(s[last], t[last], c[last]));
    const angle = (cosine) => (Math.acos(Math.max(-1, Math.min(1, cosine))) * 180) / Math.PI;
    const degrees = (cosine) => `${angle(cosine).toFixed(1)}°`;
    const [share, shareGated] = [plain / plain1, gated / gated1];
    const numbers = [
      ["NNGP", printed(s[at], s[last]), printed(c[at] * s[at], q * s[last])],
      ["NTK", printed(plain, plain1), printed(gated, gated1)],
      ["NTK over its value at ρ = 1", printed(share), printed(shareGated)],
      ["angle between the gradients", degrees(share), degrees(shareGated)],
    ];
    const row = ([first, ...cells], [scope, tag]) => {
      const tr = html("tr");
      tr.append(html("th", first, { scope }), ...cells.map((cell) => html(tag, cell, tag === "th" ? { scope } : {})));
      return tr;
    };
    const caption = html("caption");
    const ratio = Math.abs(share) > 1e-12 ? printed(shareGated / share) : "not defined";
    caption.append(
      html("b", `${pair.plain} and ${pair.gated} at ρ = ${printed(rho[at])} (${degrees(rho[at])}), `),
      html("b", `variance q = ${printed(q)}`),
      html("span", `S = ${printed(s[at], s[last])}, T = ${printed(t[at], t[last])}, c = ρq = ${printed(c[at], q)}`),
      html("span", `gated over non-gated, each over its value at ρ = 1: ${ratio}`),
    );
    table.replaceChildren(caption, row(["", `non-gated (${pair.plain})`, `gated (${pair.gated})`], ["col", "th"]));
    table.append(...numbers.map((cells) => row(cells, ["row", "td"])));
  }

  function start() {
    const root = document.querySelector(".explorer");
    if (!root) return;
    const data = JSON.parse(root.querySelector("script").textContent);
    const form = root.querySelector("form");
    const table = root.querySelector(".state");
    const read = data.pairs.map((pair) => reader(data, pair));
    const draw = PANELS.map((one) => panel(root.querySelector(".curves"), one, data.rho));
    const field = form.elements;

    function update() {
      const which = field.pair.selectedIndex;
      const at = Number(field.rho.value);
      const values = read[which](Number(field.variance.value));
      const angle = ((Math.acos(data.rho[at]) * 180) / Math.PI).toFixed(1);
      field["rho-shown"].value = `${printed(data.rho[at])} (${angle}°)`;
      field["variance-shown"].value = printed(values.q);
      field.rho.setAttribute("aria-valuetext", `${printed(data.rho[at])}, ${angle} degrees`);
      field.variance.setAttribute("aria-valuetext", printed(values.q));
      for (const one of draw) one(values, at, field.relative.checked);
      tabulate(table, data.pairs[which], values, data.rho, at);
    }
    form.hidden = table.hidden = false;
    form.addEventListener("input", update);
    form.addEventListener("submit", (event) => event.preventDefault());
    update();
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
