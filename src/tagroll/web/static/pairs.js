// Tags that may be one: two at a time, what is on most photos first. A person says yes, keeps them apart, or puts them off.

import { html, nothing, render } from "./vendor/lit-html/lit-html.js";
import { repeat } from "./vendor/lit-html/directives/repeat.js";
import { order, undo } from "./actions.js";
import * as api from "./api.js";
import { altOf } from "./grid.js";
import { icon } from "./icons.js";
import { on } from "./keys.js";
import { remember, say, show, state, writable } from "./state.js";
import { tabs } from "./tabs.js";
import { counted, number } from "./text.js";

const FEW = 6; // photos of each tag
const AHEAD = 30; // pairs listed from the one in question on
const WHY = { model: "A model calls them the same.", spelling: "Spelled in two ways.", synonym: "A dictionary calls them the same.", phrasing: "Said in two ways." };

let pairs = []; // {tag, into, photos, evidence, action, apart}
let at = 0;
let root;
let goTo;

export async function open(element, go) {
  [root, goTo] = [element, go];
  on("review", { accept, none: apart, later, swap, before, move() {}, mark() {} });
  render(html`<p class="wait">Looking for tags that may be one …</p>`, root);
  try {
    ({ pairs } = await api.get("/api/pairs"));
  } catch (reason) {
    pairs = [];
    say(reason.message);
  }
  to(0);
}

function to(place) {
  at = Math.max(0, Math.min(place, pairs.length));
  draw();
}

const told = (tag) => tag.replaceAll("|", " › ");

function accept() {
  const pair = pairs[at];
  if (!pair || !writable()) return;
  const { tag, into } = pair;
  pair.action = order(`${told(tag)} → ${told(into)}`, "/api/pairs", { tag, into, same: true });
  to(at + 1);
}

/** Kept apart, for good or no longer; false where the server could not be told. */
async function tell(pair, same) {
  try {
    await api.post("/api/pairs", { tag: pair.tag, into: pair.into, same });
    pair.apart = same === false;
    return true;
  } catch (reason) {
    say(reason.message);
    return false;
  }
}

async function apart() {
  const pair = pairs[at];
  if (pair && writable() && (await tell(pair, false))) to(at + 1);
}

const later = () => to(at + 1);

/** The pair before; what was said of it is taken back, to be said anew. */
async function before() {
  if (!at) return;
  const pair = pairs[at - 1];
  if (pair.action && pair.action.state !== "undone") undo(pair.action);
  pair.action = null;
  if (!pair.apart || (await tell(pair, null))) to(at - 1);
}

/** The other word stays. */
function swap() {
  const pair = pairs[at];
  if (!pair) return;
  [pair.tag, pair.into] = [pair.into, pair.tag];
  draw();
}

/** A few photos of each of two tags, and how many there are. */
const examples = remember((library, _version, ...tags) => tags.map((tag) => {
  const wanted = library.tagNames.indexOf(tag);
  const places = [];
  for (let place = 0; wanted >= 0 && place < library.count && places.length < FEW; place++) {
    if (library.tagsOf(place).includes(wanted)) places.push(place);
  }
  return { tag, places, count: wanted < 0 ? 0 : library.tagCounts[wanted] };
}));

function side({ tag, places, count }) {
  const stays = tag === pairs[at].into;
  return html`<section class="side" aria-label=${told(tag)}><button class="word" aria-pressed=${stays} @click=${() => !stays && swap()}>
      <b>${told(tag)}</b> <small>${counted(count, "photo")}</small> <span>${stays ? html`${icon("check")} stays` : nothing}</span></button>
    <div class="six">${places.map((place) => html`<img src=${api.thumb(state.library, place)} alt=${altOf(place)} decoding="async">`)}</div></section>`;
}

function draw() {
  if (state.screen !== "pairs" || !root) return;
  const pair = pairs[at];
  if (!pair) {
    render(html`<div class="done">${tabs("/pairs", goTo)}<h1>${pairs.length ? "That was all" : "No two tags seem to be one"}</h1>
      <p>${pairs.length ? "What you put off with Later is asked again next time." : html`A model on a server may find more: <code>tagroll dedupe FOLDER --ask-model --dry-run</code>`}</p>
      ${at ? html`<button class="plain" @click=${before}>${icon("undo")} Back to the two before</button>` : nothing}</div>`, root);
    return;
  }
  const first = Math.max(0, at - 3);
  const two = examples(state.library, state.version, ...[pair.tag, pair.into].sort());
  render(html`<div class="review"><nav class="words" aria-label="Tags that may be one">${tabs("/pairs", goTo)}<ul>${repeat(pairs.slice(first, first + AHEAD), (one) => one, (one, i) => html`
      <li><button class="facet" aria-current=${first + i === at ? "true" : "false"} @click=${() => to(first + i)}><span class="what">${told(one.tag)} → ${told(one.into)}</span>
        <span class="n">${one.action ? icon("check") : one.apart ? icon("close") : number(one.photos)}</span></button></li>`)}</ul></nav>
    <div class="judge"><div class="ask"><h1>Are these one tag?</h1>
      <p>${WHY[pair.evidence] ?? ""} <button class="link" @click=${swap}>Keep the other word <kbd>I</kbd></button></p></div>
    <div class="pair">${two.map(side)}</div>
    <div class="bar answers"><button class="plain" ?disabled=${!at} aria-label="Back" title="Back (Z)" @click=${before}>${icon("undo")}</button>
      <button class="plain" @click=${apart} ?disabled=${!writable()}>Keep apart <kbd>R</kbd></button>
      <button class="plain" @click=${later}>Later <kbd>N</kbd></button>
      <button class="main" @click=${accept} ?disabled=${!writable()}>Yes, one <kbd>A</kbd></button></div></div></div>`, root);
}

show(draw);
