// Colours by choice, claims opened by links, everything open in print, and where one is in the contents. The page works without it.
"use strict";
(() => {
  const root = document.documentElement;
  const button = document.querySelector(".theme");
  const themes = ["auto", "light", "dark"];
  const store = (value) => {
    try {
      if (value === undefined) return localStorage.getItem("glutheory-theme");
      localStorage.setItem("glutheory-theme", value);
    } catch {
      // a browser that keeps nothing for files: the choice is for this view
    }
    return null;
  };
  const show = (theme) => {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    button.querySelector("span").textContent = theme;
  };
  let theme = themes.includes(store()) ? store() : "auto";
  show(theme);
  button.hidden = false;
  button.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    show(theme);
    store(theme);
  });

  // on a narrow screen the contents are a long list before the text
  const contents = document.querySelector("nav details");
  const narrow = matchMedia("(width < 64rem)");
  const fold = () => {
    contents.open = !narrow.matches;
  };
  fold();
  narrow.addEventListener("change", fold);
  document.querySelector(".to-contents").addEventListener("click", () => {
    contents.open = true;
  });
  contents.addEventListener("click", (event) => {
    if (narrow.matches && event.target.closest("a")) contents.open = false;
  });

  // a link to a claim, or to something in one, opens it
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let around = target; around; around = around.parentElement) {
      const whole = around.matches("details") ? around : around.querySelector(":scope > details.whole");
      if (whole) whole.open = true;
    }
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  // the same link a second time changes no hash
  addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href^='#claim-']");
    if (link && link.hash === location.hash) reveal();
  });
  if (location.hash) reveal();

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("main details:not([open])")];
    for (const details of closed) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
  });

  const links = new Map([...contents.querySelectorAll("a")].map((link) => [link.hash.slice(1), link]));
  const visible = new Set();
  const watch = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) visible.add(target.id);
        else visible.delete(target.id);
      }
      const here = [...links.keys()].find((id) => visible.has(id));
      for (const [id, link] of links) {
        if (id === here) link.setAttribute("aria-current", "location");
        else link.removeAttribute("aria-current");
      }
    },
    { rootMargin: "-20% 0px -60% 0px" },
  );
  for (const id of links.keys()) {
    const section = document.getElementById(id);
    if (section) watch.observe(section);
  }
})();
