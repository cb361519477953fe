// The explorer: curves and numbers of a pair's kernels at the correlation and the variance that the sliders choose.
"use strict";
(() => {
  const { axes, curve, figure, html, mark, now, printed, ready, tabulate, unpacked } = CURVES;

  /** The curves; each function takes S, T and c = ρq. */
  const NTK = (s, t, c) => s + c * t;
  const GATED = (s, t, c) => 2 * c * s + c * c * t;
  const PANELS = [
    { title: "NTK", curves: [["plain", "K = S + cT", NTK], ["gated", "K̃ = 2cS + c²T", GATED]] },
    { title: "NNGP", curves: [["plain", "S", (s) => s], ["gated", "cS", (s, t, c) => c * s]] },
    { title: "S = E[φ(u)φ(v)]", curves: [["ink", "S", (s) => s]] },
    { title: "T = E[φ′(u)φ′(v)]", curves: [["ink", "T", (s, t) => t]] },
  ];

  /** S and T of a pair on the grid, by index of the variance: arrays over ρ. */
  function reader(data, pair) {
    const values = unpacked(pair.table);
    const n = data.rho.length;
    return (variance) => {
      const row = pair.homogeneous ? 0 : variance;
      const q = data.variances[variance];
      const column = (which, factor) =>
        data.rho.map((_, i) => factor * values[(2 * row + which) * n + i]);
      return { q, s: column(0, pair.homogeneous ? q : 1), t: column(1, 1), c: data.rho.map((rho) => rho * q) };
    };
  }

  /** An empty panel, and the function that draws into it. */
  function panel(parent, { title, curves }, rho) {
    const svg = figure(parent, title, curves);
    return ({ s, t, c }, at, relative) => {
      const last = rho.length - 1;
      const values = curves.map(([, , f]) => {
        const over = relative ? f(s[last], t[last], c[last]) : 1;
        return rho.map((_, i) => f(s[i], t[i], c[i]) / over);
      });
      const low = Math.min(0, ...values.flat());
      const high = Math.max(...values.flat());
      const [x, y] = axes(svg, { range: [-1, 1], name: "ρ" }, { range: [low, high] });
      now(svg, x(rho[at]));
      values.forEach((column, k) => {
        curve(svg, curves[k][0], column.map((value, i) => [x(rho[i]), y(value)]));
        mark(svg, curves[k][0], x(rho[at]), y(column[at]));
      });
      const said = curves.map(([, label], k) => `${label}: ${printed(values[k][at], high)}`).join("; ");
      svg.setAttribute("aria-label", `${title} against ρ${relative ? ", over the value at ρ = 1" : ""}. ${said}.`);
    };
  }

  /** The numbers at one place. */
  function show(table, pair, { q, s, t, c }, rho, at) {
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
    const ratio = Math.abs(share) > 1e-12 ? printed(shareGated / share) : "not defined";
    table.caption.replaceChildren(
      html("b", `${pair.plain} and ${pair.gated} at ρ = ${printed(rho[at])} (${degrees(rho[at])}), `),
      html("b", `variance q = ${printed(q)}`),
      html("span", `S = ${printed(s[at], s[last])}, T = ${printed(t[at], t[last])}, c = ρq = ${printed(c[at], q)}`),
      html("span", `gated over non-gated, each over its value at ρ = 1: ${ratio}`),
    );
    tabulate(table, ["", `non-gated (${pair.plain})`, `gated (${pair.gated})`], numbers);
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
      show(table, data.pairs[which], values, data.rho, at);
    }
    form.hidden = table.hidden = false;
    form.addEventListener("input", update);
    form.addEventListener("submit", (event) => event.preventDefault());
    update();
  }
  ready(start);
})();
