// What was done to the photos, by whom, and taking each back.

import { html, nothing, render } from "./vendor/lit-html/lit-html.js";
import { order } from "./actions.js";
import * as api from "./api.js";
import { icon } from "./icons.js";
import { say, show, state, unfinished, writable } from "./state.js";
import { counted, number } from "./text.js";

const WHO = { tag: "A model tagged photos", dedupe: "Tags that mean the same were merged", serve: "In the browser", undo: "Taken back",
  tags: "Tags were changed", classify: "Copies were made" };
const WHEN = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });

let root;
let runs = [];
let busy = 0; // how many actions were on their way when the list was asked for

export async function open(element) {
  root = element;
  await load();
}

async function load() {
  busy = unfinished().length;
  try {
    ({ runs } = await api.get("/api/history"));
  } catch (reason) {
    say(reason.message);
  }
  paint();
}

function undo(run) {
  order(`Undone: run ${run.run}`, `/api/history/${run.run}/undo`, {});
  draw();
}

function row(run) {
  const asked = run.arguments ?? [];
  const who = run.command === "tag" && asked.includes("--review") ? "A model was asked what it proposes" : (WHO[run.command] ?? run.command);
  const what = asked.filter((one) => run.command !== "serve" || !state.library.head.roots.includes(one)); // the browser shows all of them
  const when = WHEN.format(run.started * 1000);
  if (run.command === "undo") what.unshift("Run");
  return html`<li><div><h2>${who} <small>${run.model ?? ""}</small></h2>
      <p>${what.join(" ")}</p>
      <p class="soft">${when} · ${counted(run.changed, "photo")} changed${run.failed ? `, ${number(run.failed)} failed` : ""} · run ${run.run}</p></div>
    ${writable() && run.left ? html`<button class="plain" aria-label="Undo run ${run.run}, ${when}" @click=${() => undo(run)}>${icon("undo")} Undo${run.left < run.changed ? ` ${number(run.left)}` : ""}</button>`
    : run.changed ? html`<span class="soft">undone</span>` : nothing}</li>`;
}

function paint() {
  render(html`<div class="page"><div class="head"><h1>History</h1></div>
    ${runs.length ? html`<ol class="runs">${runs.map(row)}</ol>` : html`<p class="soft">Nothing was written yet.</p>`}</div>`, root);
}

/** After an action has been written, the list is another. */
function draw() {
  if (state.screen !== "history" || !root) return;
  const now = unfinished().length;
  if (now < busy) load();
  busy = now;
}

show(draw);
