// The explorer of depth: condition numbers over the number of blocks, and what two inputs share after so many.
"use strict";
(() => {
  const { axes, curve, figure, html, mark, now, printed, ready, tabulate, unpacked } = CURVES;
  const COLOURS = ["plain", "gated"];

  const over = (title, name) => ({ title, of: (one) => one[name] });
  const OVER_DEPTH = [over("condition number λ₁/λₙ", "condition"), over("without the largest: λ₂/λₙ", "spread")];
  const OVER_RHO = ["correlation of two inputs after the blocks", "NTK after the blocks, over its value at ρ = 1"];

  const known = (value) => value !== null && Number.isFinite(value);
  const shown = (value) => (known(value) ? printed(value, 0) : "not known");

  /** A network of one kind of stack: its columns, and its maps by depth. */
  function reader(one, rho) {
    const values = unpacked(one.maps);
    const map = (depth, which) => rho.map((_, i) => values[(2 * depth + which) * rho.length + i]);
    return { ...one, map };
  }

  /** The numbers of both networks over the blocks. */
  function overDepth(svg, { title, of }, networks, depths, at) {
    const columns = networks.map((one) => of(one).map((value) => (known(value) ? value : NaN)));
    const all = columns.flat().filter(known);
    const range = [Math.min(...all) / 1.2, Math.max(...all) * 1.2];
    const ends = [depths[0] / 1.05, depths[depths.length - 1] * 1.05];
    const [x, y] = axes(svg, { range: ends, log: true, name: "blocks" }, { range, log: true });
    now(svg, x(depths[at]));
    columns.forEach((column, k) => curve(svg, COLOURS[k], column.map((value, i) => [x(depths[i]), y(value)])));
    columns.forEach((column, k) => mark(svg, COLOURS[k], x(depths[at]), y(column[at])));
    return columns.map((column) => shown(column[at]));
  }

  /** A kernel of both networks over the correlation of the inputs, beside the line of no change. */
  function overRho(svg, which, networks, rho, at) {
    const columns = networks.map((one) => one.map(at, which));
    const low = Math.min(...columns.flat(), which === 0 ? -1 : 0);
    const [x, y] = axes(svg, { range: [-1, 1], name: "ρ of the two inputs" }, { range: [low, 1] });
    if (which === 0) curve(svg, "same", [[x(-1), y(-1)], [x(1), y(1)]]);
    columns.forEach((column, k) => curve(svg, COLOURS[k], column.map((value, i) => [x(rho[i]), y(value)])));
    if (which === 0) {
      networks.forEach((one, k) => one.fixed.forEach(([point]) => mark(svg, COLOURS[k], x(point), y(point))));
    }
    // of two inputs that share nothing
    return columns.map((column) => printed(column[rho.indexOf(0)]));
  }

  /** Where correlations go from block to block. */
  const fate = ({ fixed }) =>
    fixed
      .map(([rho, slope, stable]) => {
        const kind = stable === null ? "is marginal" : stable ? "attracts" : "repels";
        return `ρ = ${printed(rho)} ${kind} (slope ${printed(slope)})`;
      })
      .join(", ") || "not the same at every block, since variances change";

  function show(table, pair, kind, networks, at) {
    const depth = kind.depths[at];
    const words = depth === 1 ? "1 block" : `${depth} blocks`;
    const [plain, gated] = networks.map((one) => one.condition[at]);
    const gain = known(plain) && known(gated) ? printed(plain / gated, 0) : "not known";
    table.caption.replaceChildren(
      html("b", `${pair.plain} and ${pair.gated}, ${words} (${kind.name}): `),
      html("b", `cond/cond = ${gain}`),
      html("span", `correlations in blocks of ${pair.plain}: ${fate(networks[0])}`),
      html("span", `correlations in blocks of ${pair.gated}: ${fate(networks[1])}`),
    );
    const row = (name, column) => [name, ...networks.map((one) => shown(one[column][at]))];
    tabulate(table, ["", `non-gated (${pair.plain})`, `gated (${pair.gated})`], [
      row("λ₁", "largest"),
      row("λ₂", "second"),
      row("λₙ", "smallest"),
      row("λ₁/λₙ", "condition"),
      row("λ₂/λₙ", "spread"),
      row("mean correlation of two rows", "correlation"),
    ]);
  }

  function start() {
    const root = document.querySelector(".depths");
    if (!root) return;
    const data = JSON.parse(root.querySelector(".numbers").textContent);
    const form = root.querySelector("form");
    const table = root.querySelector(".state");
    const field = form.elements;
    const place = root.querySelector(".curves");
    const names = COLOURS.map((colour) => [colour, colour === "gated" ? "gated" : "non-gated"]);
    const drawings = [...OVER_DEPTH.map(({ title }) => title), ...OVER_RHO].map((title) => figure(place, title, names));

    function update() {
      const pair = data.pairs[field.pair.selectedIndex];
      const kind = data.kinds[field.kind.selectedIndex];
      const networks = pair.kinds[field.kind.selectedIndex].map((one) => reader(one, data.rho));
      field.blocks.max = kind.depths.length - 1;
      const at = Math.min(Number(field.blocks.value), kind.depths.length - 1);
      const blocks = String(kind.depths[at]);
      field["blocks-shown"].value = blocks;
      field.blocks.setAttribute("aria-valuetext", blocks);
      drawings.forEach((svg, k) => {
        const titled = OVER_DEPTH[k]?.title ?? OVER_RHO[k - OVER_DEPTH.length];
        const said = OVER_DEPTH[k]
          ? overDepth(svg, OVER_DEPTH[k], networks, kind.depths, at)
          : overRho(svg, k - OVER_DEPTH.length, networks, data.rho, at);
        const where = OVER_DEPTH[k] ? `at ${blocks} blocks` : `at ρ = 0 after ${blocks} blocks`;
        svg.setAttribute("aria-label", `${titled}, ${where}. ${pair.plain}: ${said[0]}; ${pair.gated}: ${said[1]}.`);
      });
      show(table, pair, kind, networks, at);
    }
    form.hidden = table.hidden = false;
    root.querySelector(".static").hidden = true;
    form.addEventListener("input", update);
    form.addEventListener("submit", (event) => event.preventDefault());
    update();
  }
  ready(start);
})();
