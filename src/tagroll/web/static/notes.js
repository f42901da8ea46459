// The lines that tell what happened: the snackbar with Undo, and what is out of order (one role status for all).

import { html, nothing, render } from "./vendor/lit-html/lit-html.js";
import { lazy } from "./lazy.js";
import { changed, show, state } from "./state.js";
import { counted, number } from "./text.js";

const LONG = 10_000; // milliseconds a line stays, longer while the pointer or the keyboard is on it
const bar = document.querySelector("#snackbar");
const messages = document.querySelector("#messages");
const buttons = document.querySelector("#snack-buttons");
const trouble = document.querySelector("#trouble");
let timer;
let told;

function textOf({ text, action }) {
  if (text) return text;
  const n = action.failed.length;
  if (n) return `${action.label}: ${counted(n, "photo")} could not be written`;
  if (action.state === "kept" && state.connection) return `${action.label} (kept until the server is back)`;
  if (action.state === "sent" && action.total > 1 && action.count < action.total) {
    return `${action.label}, ${number(action.count)} of ${number(action.total)} written`;
  }
  return action.label;
}

/** How many photos are shown, for those who cannot see it. */
function counts() {
  if (!state.ready || state.screen !== "grid") return "";
  const chosen = state.selected.size ? `, ${number(state.selected.size)} selected` : "";
  return `${counted(state.hits.length, "photo")}${chosen}`;
}

function draw() {
  const { note } = state;
  if (note !== told) {
    told = note;
    clearTimeout(timer);
    timer = setTimeout(end, LONG);
  }
  const action = note?.action;
  bar.classList.toggle("shown", Boolean(note));
  const failed = action?.failed ?? [];
  render(html`<span class="sr">${counts()}.</span>
    ${note ? html`<span class="said">${textOf(note)}</span>` : nothing}
    ${failed.length ? html`<ul>${failed.slice(0, 5).map((one) => html`<li><b>${one.name}</b>: ${one.error}${one.hint ? ` (${one.hint})` : ""}</li>`)}
      ${failed.length > 5 ? html`<li>and ${failed.length - 5} more</li>` : nothing}</ul>` : nothing}`, messages);
  const standing = action && !action.undoes && ["kept", "sent", "written"].includes(action.state);
  render(html`${standing ? html`<button class="undo" @click=${() => undo(action)}>Undo</button>` : nothing}
    ${note ? html`<button class="dismiss" aria-label="Close the message" @click=${() => changed({ note: null })}>×</button>` : nothing}`, buttons);
  render(out(), trouble);
}

const undo = async (action) => (await lazy(() => import("./actions.js")))?.undo(action);

function end() {
  if (bar.matches(":hover, :focus-within") || state.note?.action?.state === "sent") timer = setTimeout(end, 2000);
  else changed({ note: null });
}

/** What is out of order now, the gravest first. */
function out() {
  const { connection, status, library } = state;
  const kept = state.actions.filter((one) => one.state === "kept").length;
  if (connection === "stranger") {
    return html`<p class="bad">This page is no longer let in. Open the address that tagroll serve printed, with its token.</p>`;
  }
  if (connection === "gone") {
    const what = kept ? ` ${counted(kept, "change")} kept here and sent when it is back.` : "";
    return html`<p class="bad">The server is gone; is tagroll serve still running?${what}</p>`;
  }
  if (status.waiting) return html`<p>${status.waiting}</p>`;
  const { running, done, about, error } = status.indexing;
  if (error) return html`<p class="bad">${error}</p>`;
  if (running && state.ready) return html`<p>Looking through the photos: ${number(done)} of about ${number(about)}<progress max=${about || 1} value=${done}></progress></p>`;
  if (library.head.readOnly) return html`<p>Only looking: tagroll serve was started with --read-only</p>`;
  return nothing;
}

export const start = () => show(draw);
