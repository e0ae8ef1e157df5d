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

// Of a failed download only the fault, so that the buttons stay.
const show = (html, parts) => {
  const page = new DOMParser().parseFromString(html, "text/html");
  if (!page.getElementById("result")) return false;
  for (const part of parts) document.getElementById(part).replaceWith(page.getElementById(part));
  document.getElementById("result").scrollIntoView({ block: "nearest" });
  return true;
};

const counted = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

// A form cannot show the headers of a file that it downloads.
const save = async (answer, molecule) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition"))[1];
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  const missing = Number(answer.headers.get("Records-Without-Sequence"));
  const said = `${counted(Number(answer.headers.get("Sequences-Written")), "sequence")} downloaded.`;
  if (!missing) return said;
  const named = answer.headers.get("Records-Without-Sequence-Named").split(",").map(decodeURIComponent);
  const others = missing > named.length ? ` and ${missing - named.length} others` : "";
  return `${said} ${counted(missing, "record")} without a ${molecule} sequence: ${named.join(", ")}${others}.`;
};

// The URL has the query, so that it can be bookmarked and shared.
const keepInUrl = () => {
  const url = new URL(location.href);
  url.search = text.value.length <= LONGEST_LINK ? new URLSearchParams({ sql: text.value }) : "";
  history.replaceState(null, "", url);
};

const ask = async (form) => {
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
    const molecule = editor.elements.namedItem("molecule")?.value ?? "genome";
    const body = new URLSearchParams({ sql: text.value, form, molecule });
    const answer = await fetch(editor.action, { method: "POST", body, signal: asking.signal });
    if (answer.headers.has("Sequences-Written")) ended = await save(answer, molecule);
    else if (!show(await answer.text(), form === "table" ? ["result", "fasta"] : ["result"])) ended = answer.status === 401 ? "Sign in to Airflow again, then run the query." : `The server responded with ${answer.status}.`;
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
  const form = event.submitter?.value ?? "table";
  if (form !== "table" && form !== "fasta") return;
  event.preventDefault();
  if (!run.disabled) ask(form);
});
text?.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) editor.requestSubmit(run);
});
addEventListener("keydown", (event) => {
  if (editor && event.key === "Escape" && !cancel.hidden) cancel.click();
});
if (editor) goToFault();
