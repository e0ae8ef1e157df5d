// The console without reloading the page: run, show progress, cancel, and go to the error.
"use strict";

const editor = document.querySelector("form.editor");
const text = document.getElementById("sql");
const run = editor?.querySelector("button.primary");
const cancel = document.getElementById("cancel");
const progress = document.getElementById("progress");
const clock = document.getElementById("clock");
const LONGEST_LINK = 4000;

const goToFault = () => {
  const fault = document.querySelector("#result [data-line]");
  text.toggleAttribute("aria-invalid", Boolean(fault));
  if (!fault) return;
  const lines = text.value.split("\n").slice(0, fault.dataset.line - 1);
  // Columns count characters, a text area UTF-16 code units.
  const before = [...text.value.split("\n")[lines.length] ?? ""].slice(0, fault.dataset.column - 1).join("");
  const place = lines.reduce((sum, line) => sum + line.length + 1, 0) + before.length;
  const word = /^\w+/.exec(text.value.slice(place))?.[0] ?? text.value.slice(place, place + 1);
  text.focus();
  text.setSelectionRange(place, place + word.length);
};

const show = (html) => {
  const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("result");
  if (!fresh) return false;
  document.getElementById("result").replaceWith(fresh);
  fresh.scrollIntoView({ block: "nearest" });
  return true;
};

// The URL has the query, so that it can be bookmarked and shared.
const keepInUrl = () => {
  const url = new URL(location.href);
  url.search = text.value.length <= LONGEST_LINK ? new URLSearchParams({ sql: text.value }) : "";
  history.replaceState(null, "", url);
};

const ask = async () => {
  const asking = new AbortController();
  const started = Date.now();
  // Hidden from screen readers, which would read every second aloud.
  const tick = setInterval(() => { clock.textContent = `${Math.round((Date.now() - started) / 1000)} s`; }, 1000);
  const abort = () => asking.abort();
  cancel.addEventListener("click", abort);
  const focused = document.activeElement;
  [cancel.hidden, progress.textContent] = [false, "Running"];
  // A disabled button would lose the focus.
  if (focused === run) cancel.focus();
  run.disabled = true;
  document.getElementById("result").setAttribute("aria-busy", "true");
  keepInUrl();
  let ended = "";
  try {
    const body = new URLSearchParams({ sql: text.value, form: "table" });
    const answer = await fetch(editor.action, { method: "POST", body, signal: asking.signal });
    if (!show(await answer.text())) ended = answer.status === 401 ? "Sign in to Airflow again, then run the query." : `The server responded with ${answer.status}.`;
  } catch (error) {
    ended = error.name === "AbortError" ? "Cancelled." : "The server is unreachable.";
  }
  clearInterval(tick);
  cancel.removeEventListener("click", abort);
  run.disabled = false;
  if (document.activeElement === cancel) (focused === run ? run : text).focus();
  [cancel.hidden, progress.textContent, clock.textContent] = [true, ended, ""];
  document.getElementById("result").removeAttribute("aria-busy");
  if (!ended) goToFault();
};

editor?.addEventListener("submit", (event) => {
  if (event.submitter && event.submitter !== run) return;
  event.preventDefault();
  if (!run.disabled) ask();
});
text?.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) editor.requestSubmit(run);
});
addEventListener("keydown", (event) => {
  if (editor && event.key === "Escape" && !cancel.hidden) cancel.click();
});
if (editor) goToFault();
