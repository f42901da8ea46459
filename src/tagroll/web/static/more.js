// What is needed now and then: why nothing is shown, saving a search, going to a date.

import { html } from "./vendor/lit-html/lit-html.js";
import { get, orNull, post } from "./api.js";
import { ask } from "./ask.js";
import * as grid from "./grid.js";
import { address } from "./library.js";
import { write } from "./query.js";
import { changed, state } from "./state.js";
import { counted } from "./text.js";

let told = {}; // what the server says to a query that finds nothing: `{text, reasons}`

async function askWhy(text) {
  told = { text, reasons: [] };
  const answer = await orNull(get(`/api/search?q=${encodeURIComponent(text)}`));
  if (told.text !== text || !answer?.reasons?.length) return;
  told.reasons = answer.reasons;
  changed();
}

/** Why no photo is shown, and what to do about it. */
export function emptiness(go) {
  const { library, query, found, status } = state;
  if (query.words && found.exact === null) return html`<p>Searching …</p>`;
  if (library.count) {
    if (told.text !== state.text) askWhy(state.text);
    const drop = [...query.terms.keys()].map((i) => ({ ...query, terms: query.terms.filter((_, at) => at !== i) }));
    if (query.words) drop.push({ ...query, words: "" });
    return html`<h2>No photo fits</h2>${told.reasons.map((reason) => html`<p>${reason}</p>`)}<p>${found.error ?? "Try it with less:"}</p>
      <ul class="drop">${drop.map((less) => html`<li><button class="plain" @click=${() => go(address(less))}>${write(less) || "All photos"}</button></li>`)}</ul>`;
  }
  if (status.indexing.running) return html`<h2>Looking for photos …</h2><p>They appear here as they are found.</p>`;
  const roots = library.head.roots.join(", ");
  return html`<h2>No photos here</h2><p>tagroll looked in <b>${roots || "no folder"}</b> and found none${library.head.videos ? ` (${counted(library.head.videos, "video")}, which are not shown)` : ""}.</p>
    <p>Start it with another folder: <code>tagroll serve FOLDER</code></p>`;
}

/** Keeps a search under a name. */
export async function star() {
  const name = await ask({ title: "Save this search", label: "Name", value: state.text, button: "Save" });
  if (name) changed(await post("/api/searches", { name, query: state.text }));
}

/** Goes to the photo of a date, or the last one before it. */
export async function goToDate() {
  if (!state.hits.length) return;
  const { library, hits, focus, close } = state;
  const here = new Date(library.minute[hits[focus]] * 60000).toISOString().slice(0, 10);
  const text = await ask({ title: "Go to a date", label: "Date", type: "date", value: here, button: "Go" });
  if (!text) return;
  const day = Date.parse(`${text}T00:00Z`) / 86400000;
  const hit = hits.subarray(0, close).findIndex((place) => library.day[place] <= day);
  grid.focusHit(hit < 0 ? close - 1 : hit);
}

