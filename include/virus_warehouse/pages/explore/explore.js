// Charts, each asked for by itself and drawn by the server as wide as the place it has.
"use strict";

const isAlone = document.querySelector(".plots.one") !== null;

const draw = async (place) => {
  const width = Math.floor(place.clientWidth);
  if (!width || Math.abs(width - Number(place.dataset.width)) <= 24) return;
  place.dataset.width = width;
  const url = new URL(place.dataset.plot, location.href);
  url.searchParams.set("width", width);
  try {
    const answer = await fetch(url);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(place.id);
    if (!fresh) throw new Error(`HTTP ${answer.status}`);
    // What its reader has opened stays open.
    for (const part of fresh.querySelectorAll("details")) part.open = document.getElementById(part.id)?.open ?? (isAlone && part.open);
    place.replaceChildren(...fresh.childNodes);
  } catch (error) {
    const waiting = place.querySelector(".drawing");
    if (!waiting) return; // a chart of another width is better than none
    const notice = document.createElement("p");
    notice.setAttribute("role", "alert");
    notice.className = "notice bad";
    notice.textContent = `No chart: the server did not answer (${error.message}). Reload the page to try again.`;
    waiting.replaceWith(notice);
  }
};

// One after another, from the top: all at once would wait for each other at the server.
const due = new Map();
let turn = Promise.resolve();
const sized = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    clearTimeout(due.get(target));
    const soon = () => { turn = turn.then(() => draw(target)); };
    due.set(target, setTimeout(soon, Number(target.dataset.width) ? 250 : 0));
  }
});
document.querySelectorAll("[data-plot]").forEach((place) => sized.observe(place));
