// Charts, each requested separately and rendered by the server at the available width.
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
    // Opened details stay open.
    for (const part of fresh.querySelectorAll("details")) part.open = document.getElementById(part.id)?.open ?? (isAlone && part.open);
    place.replaceChildren(...fresh.childNodes);
  } catch (error) {
    const waiting = place.querySelector(".drawing");
    if (!waiting) return; // keep the chart of another width
    const notice = document.createElement("p");
    notice.setAttribute("role", "alert");
    notice.className = "notice bad";
    notice.textContent = `No chart: the server did not answer (${error.message}). Reload the page to try again.`;
    waiting.replaceWith(notice);
  }
};

// One after another, from the top, as the server renders one at a time.
const due = new Map();
let queue = Promise.resolve();
const sized = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    clearTimeout(due.get(target));
    const soon = () => { queue = queue.then(() => draw(target)); };
    due.set(target, setTimeout(soon, Number(target.dataset.width) ? 250 : 0));
  }
});
document.querySelectorAll("[data-plot]").forEach((place) => sized.observe(place));
