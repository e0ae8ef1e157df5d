// Integration into Airflow's frame: colour mode, links, and parts of a page that refresh themselves.
"use strict";

// Airflow keeps the chosen colour mode in its local storage, which notifies other documents of changes.
const followTheme = () => {
  const chosen = localStorage.getItem("theme");
  document.documentElement.dataset.theme = chosen === "light" || chosen === "dark" ? chosen : "system";
};
followTheme();
addEventListener("storage", followTheme);
if (window.parent !== window) document.documentElement.dataset.framed = "";

// Our links cannot replace the page around Airflow's frame. A link of that page itself can.
addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-airflow]");
  if (!link || window.parent === window || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const outer = window.parent.document.createElement("a");
  outer.href = link.href;
  outer.click();
});

// Empty filters are left out of the URL, unless empty is a choice (data-choice).
addEventListener("formdata", (event) => {
  if (event.target.method !== "get") return;
  for (const [name, value] of [...event.formData]) {
    if (value === "" && !event.target.elements[name].matches?.("[data-choice]")) event.formData.delete(name);
  }
});

// <div data-live="seconds" id="..."> is reloaded from this page as long as it has that attribute, keeping the focus and
// the scroll position of tables.
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
