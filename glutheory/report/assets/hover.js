// Reading values off the figures: by mouse, by touch, and by the arrow keys, which also speak.
"use strict";
(() => {
  const REACH = 60; // points, from the pointer to what it finds
  const GAP = 12; // pixels, from there to the words

  const element = (parent, tag, name) => {
    const made = document.createElement(tag);
    made.className = name;
    parent.append(made);
    return made;
  };

  /** The number as it stands in the data. */
  const shown = (value) =>
    value === null ? "no value" : String(value).replace("Infinity", "∞").replaceAll("-", "−");

  /** All that can be read: lists of items with their words, colours and places as [left, top, right, bottom]. */
  function items({ series, map, x, y }) {
    const cells = (map?.y ?? []).flatMap((up, i) =>
      map.x.map((along, j) => ({
        place: [map.across[j], map.down[i + 1], map.across[j + 1], map.down[i]],
        label: "",
        words: [`${x}: ${shown(along)}`, `${y}: ${shown(up)}`, `${map.label}: ${shown(map.values[i][j])}`],
      })),
    );
    /** What the map says where the point lies. */
    const below = ([left, top]) =>
      cells
        .filter(({ place }) => place[0] <= left && left <= place[2] && place[1] <= top && top <= place[3])
        .slice(0, 1)
        .map(({ words }) => words[2]);
    const points = series.map((one) =>
      one.at.map(([left, top], i) => ({
        place: [left, top, left, top],
        colour: one.colour,
        label: one.label,
        words: [
          `${x}: ${shown(one.x[i])}`,
          `${y}: ${shown(one.y[i])}` + (one.low ? ` (${shown(one.low[i])} to ${shown(one.high[i])})` : ""),
          ...below([left, top]),
        ],
      })),
    );
    return [cells, ...points].filter((list) => list.length);
  }

  function attach(plot, data) {
    const lists = items(data);
    const [width, height] = data.size;
    const svg = plot.querySelector("svg");
    const area = element(plot, "div", "catch");
    const mark = element(plot, "div", "mark");
    const tip = element(plot, "div", "tip");
    const spoken = element(plot, "div", "spoken");
    let at = null; // [list, item], what the keys move
    mark.hidden = tip.hidden = true;
    tip.setAttribute("aria-hidden", "true");
    spoken.setAttribute("aria-live", "polite");
    plot.tabIndex = 0;
    plot.setAttribute("role", "application");
    plot.setAttribute("aria-roledescription", "chart");
    plot.setAttribute("aria-label", `${svg.querySelector("title").textContent}: the arrow keys read the values`);

    function hide() {
      mark.hidden = tip.hidden = true;
      at = null;
    }

    function show(list, item) {
      at = [list, item];
      const { place, colour, label, words } = lists[list][item];
      const box = svg.getBoundingClientRect();
      const frame = plot.getBoundingClientRect();
      const scale = box.width / width;
      const [left, top, right, bottom] = place.map((v, i) => v * scale + (i % 2 ? box.y - frame.y : box.x - frame.x));
      mark.hidden = tip.hidden = false;
      mark.className = right > left ? "mark" : "mark point";
      const size = right > left ? [`${right - left}px`, `${bottom - top}px`] : ["", ""];
      Object.assign(mark.style, { left: `${left}px`, top: `${top}px`, width: size[0], height: size[1] });
      tip.replaceChildren();
      tip.style.setProperty("--swatch", colour ? `var(--chart-${colour})` : "transparent");
      if (label) element(tip, "b", "").textContent = label;
      for (const line of words) element(tip, "span", "").textContent = line;
      // beside what it tells about, where there is room; else above or below
      const [wide, high] = [tip.offsetWidth, tip.offsetHeight];
      const within = (value, room) => Math.max(0, Math.min(value, room));
      let x = right + GAP + wide <= frame.width ? right + GAP : left - GAP - wide;
      let y = within((top + bottom - high) / 2, frame.height - high);
      if (x < 0) {
        x = within((left + right - wide) / 2, frame.width - wide);
        y = top + bottom > frame.height ? top - GAP - high : bottom + GAP;
      }
      Object.assign(tip.style, { left: `${x}px`, top: `${y}px` });
      return [label, ...words].filter(Boolean).join(", ");
    }

    /** The item nearest to a place; points come before the cell that they lie on. */
    function nearest(x, y) {
      let best = null;
      let least = REACH * REACH;
      lists.forEach((list, i) =>
        list.forEach(({ place: [left, top, right, bottom] }, j) => {
          const cell = right > left;
          const dx = Math.max(left - x, 0, x - right);
          const dy = Math.max(top - y, 0, y - bottom);
          const distance = cell ? (dx || dy ? Infinity : 64) : dx * dx + dy * dy;
          if (distance < least) [best, least] = [[i, j], distance];
        }),
      );
      return best;
    }

    function point(event) {
      const box = svg.getBoundingClientRect();
      const found = nearest(
        ((event.clientX - box.x) / box.width) * width,
        ((event.clientY - box.y) / box.height) * height,
      );
      if (found) show(...found);
      else hide();
    }
    area.addEventListener("pointermove", point);
    area.addEventListener("pointerdown", point);
    area.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && hide());

    plot.addEventListener("keydown", (event) => {
      const [list, item] = at ?? [0, -1];
      const columns = data.map && list === 0 ? data.map.x.length : 0;
      const step = { ArrowRight: 1, ArrowLeft: -1, ArrowUp: columns, ArrowDown: -columns }[event.key];
      const turn = { PageUp: -1, PageDown: 1, ...(columns ? {} : { ArrowUp: -1, ArrowDown: 1 }) }[event.key];
      const last = lists[list].length - 1;
      let next = null;
      if (event.key === "Escape") hide();
      else if (event.key === "Home") next = [list, 0];
      else if (event.key === "End") next = [list, last];
      else if (turn) {
        const other = (list + turn + lists.length) % lists.length;
        next = [other, Math.max(0, Math.min(item, lists[other].length - 1))];
      } else if (step) next = [list, item + step >= 0 && item + step <= last ? item + step : Math.max(0, item)];
      else return;
      event.preventDefault();
      if (next) spoken.textContent = show(...next);
    });
    plot.addEventListener("blur", hide);
  }

  function start() {
    for (const panel of document.querySelectorAll("figure.panel")) {
      const data = JSON.parse(panel.querySelector('script[type="application/json"]').textContent);
      if (data.series.length || data.map) attach(panel.querySelector(".plot"), data);
    }
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
