// At home in Airflow's frame: its colour mode, its links, and parts of a page that renew themselves.
"use strict";

// Airflow keeps the colour mode that was chosen in its local storage, and tells other documents when it changes.
const followTheme = () => {
  const chosen = localStorage.getItem("theme");
  document.documentElement.dataset.theme = chosen === "light" || chosen === "dark" ? chosen : "system";
};
followTheme();
addEventListener("storage", followTheme);
if (window.parent !== window) document.documentElement.dataset.framed = "";

// Airflow's frame lets no link of ours replace the page around it. A link of that page's own may.
addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-airflow]");
  if (!link || window.parent === window || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const outer = window.parent.document.createElement("a");
  outer.href = link.href;
  outer.click();
});

// What is filtered by nothing need not stand in the URL, unless nothing is a choice (data-choice).
addEventListener("formdata", (event) => {
  if (event.target.method !== "get") return;
  for (const [name, value] of [...event.formData]) {
    if (value === "" && !event.target.elements[name].matches?.("[data-choice]")) event.formData.delete(name);
  }
});

// <div data-live="seconds" id="..."> is fetched anew from this very page while it is marked so. Who is reading it keeps
// the place: what has the focus, and how far a table is scrolled.
const replace = (part, fresh) => {
  const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  const scrolled = [...part.querySelectorAll(".scroll")].map((table) => table.scrollLeft);
  part.replaceWith(fresh);
  fresh.querySelectorAll(".scroll").forEach((table, place) => { table.scrollLeft = scrolled[place] ?? 0; });
  if (focused) [...fresh.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus();
};
const renew = async (part) => {
  if (!document.hidden) {
    const answer = await fetch(location.href).catch(() => null);
    const text = answer?.ok ? await answer.text() : "";
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById(part.id);
    if (fresh && fresh.outerHTML !== part.outerHTML) {
      replace(part, fresh);
      part = fresh;
    }
  }
  watch(part);
};
const watch = (part) => {
  const seconds = Number(part.dataset.live);
  if (seconds) setTimeout(() => renew(part), seconds * 1000);
};
addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-live]").forEach(watch));
