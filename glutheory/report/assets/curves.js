// What the explorers share: elements, numbers as they are printed, ticks, and a pair of axes with curves in it.
"use strict";
const CURVES = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const WIDTH = 340;
  const HEIGHT = 210;
  const BOX = { left: 48, top: 10, right: WIDTH - 10, bottom: HEIGHT - 34 };

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

  /** Round numbers on a logarithmic axis: 1, 2, 5 of each power of ten, or the powers alone, thinned out. */
  function logTicks(low, high) {
    const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
    const digits = last - first > 3 ? [1] : last - first > 2 ? [1, 3] : [1, 2, 5];
    const every = Math.ceil((last - first) / 6);
    const found = [];
    for (let power = first; power <= last; power += every) {
      for (const digit of digits) {
        const value = Number(`${digit}e${power}`);
        if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) found.push(value);
      }
    }
    return found;
  }

  /** An empty figure with a title and the names of its curves; returns its drawing. */
  function figure(parent, title, curves) {
    const node = html("figure");
    const caption = html("figcaption");
    caption.append(html("b", title));
    for (const [colour, label] of curves.length > 1 ? curves : []) {
      caption.append(html("span", label, { className: colour }));
    }
    const svg = made("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
    node.append(caption, svg);
    parent.append(node);
    return svg;
  }

  /**
   * Draw the axes anew. An axis is { range: [low, high], log, name }.
   * Returns the functions that place values, across and up.
   */
  function axes(svg, across, up) {
    const place = ({ range: [low, high], log }, from, to) => {
      const f = log ? Math.log : (value) => value;
      return (value) => from + ((f(value) - f(low)) / (f(high) - f(low))) * (to - from);
    };
    const x = place(across, BOX.left, BOX.right);
    const y = place(up, BOX.bottom, BOX.top);
    const round = ({ range, log }) => (log ? logTicks : ticks)(...range);
    svg.replaceChildren();
    for (const value of round(across)) {
      svg.append(made("line", { class: "grid", x1: x(value), x2: x(value), y1: BOX.top, y2: BOX.bottom }));
      svg.append(made("text", { x: x(value), y: BOX.bottom + 14, "text-anchor": "middle" }, printed(value)));
    }
    for (const value of round(up)) {
      const kind = value === 0 ? "zero" : "grid";
      svg.append(made("line", { class: kind, x1: BOX.left, x2: BOX.right, y1: y(value), y2: y(value) }));
      const label = up.log ? printed(value, 0) : printed(value, up.range[1]);
      svg.append(made("text", { x: BOX.left - 5, y: y(value) + 4, "text-anchor": "end" }, label));
    }
    const middle = (BOX.left + BOX.right) / 2;
    svg.append(made("text", { x: middle, y: HEIGHT - 4, "text-anchor": "middle" }, across.name));
    return [x, y];
  }

  /** A line across where the reader is. */
  const now = (svg, at) =>
    svg.append(made("line", { class: "now", x1: at, x2: at, y1: BOX.top, y2: BOX.bottom }));

  /** A curve through points of the drawing; what is no number leaves a gap. */
  function curve(svg, colour, points) {
    let path = "";
    let pen = "M";
    for (const [x, y] of points) {
      if (Number.isFinite(x) && Number.isFinite(y)) {
        path += `${pen}${x.toFixed(1)},${y.toFixed(1)}`;
        pen = "L";
      } else pen = "M";
    }
    if (path) svg.append(made("path", { class: `curve ${colour}`, d: path }));
  }

  /** Round for the plain network, square for the gated one. */
  function mark(svg, colour, px, py) {
    if (!Number.isFinite(px) || !Number.isFinite(py)) return;
    const place = colour === "gated" ? { x: px - 4, y: py - 4, width: 8, height: 8 } : { cx: px, cy: py, r: 4.5 };
    svg.append(made(colour === "gated" ? "rect" : "circle", { class: `mark ${colour}`, ...place }));
  }

  /** Rows of words and numbers in a table whose caption stays. */
  function tabulate(table, head, rows) {
    const row = ([first, ...cells], [scope, tag]) => {
      const tr = html("tr");
      tr.append(html("th", first, { scope }), ...cells.map((cell) => html(tag, cell, tag === "th" ? { scope } : {})));
      return tr;
    };
    table.replaceChildren(table.caption, row(head, ["col", "th"]), ...rows.map((cells) => row(cells, ["row", "td"])));
  }

  /** Numbers in base64: little-endian float64. */
  function unpacked(text) {
    const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    const view = new DataView(bytes.buffer);
    return Array.from({ length: bytes.length / 8 }, (_, i) => view.getFloat64(8 * i, true));
  }

  const ready = (start) =>
    document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", start) : start();

  return { axes, curve, figure, html, made, mark, now, printed, ready, tabulate, unpacked };
})();
