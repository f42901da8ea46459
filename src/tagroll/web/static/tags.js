// All tags of the library, with what they are used for: rename, merge, remove. As a tree where there are paths.

import { html, nothing, render } from "./vendor/lit-html/lit-html.js";
import { repeat } from "./vendor/lit-html/directives/repeat.js";
import { order } from "./actions.js";
import * as api from "./api.js";
import { ask } from "./ask.js";
import { icon } from "./icons.js";
import { address } from "./library.js";
import { changed, remember, say, show, state, writable } from "./state.js";
import { counted, number, rank } from "./text.js";

const PAGE = 50; // rows at a time: thousands of tags must not be thousands of rows
const BIG = 500; // photos from which on merging and removing ask first

let root;
let goTo;
let typed = "";
let byName = false;
let from = 0; // the first row shown
let chosen = new Set();

export function open(element, go) {
  root = element;
  goTo = go;
  [typed, from, chosen] = ["", 0, new Set()];
  draw();
}

/** The tags to show: by use, by what was typed, or by name, where a path stands under its parent. */
const sorted = remember((library, _version, text, names) => {
  const used = [...library.tagNames.keys()].filter((i) => library.tagCounts[i] > 0);
  if (text) return rank(text, library.folded.tags, 1000).filter((i) => library.tagCounts[i] > 0);
  if (!names) return used.sort((a, b) => library.tagCounts[b] - library.tagCounts[a]);
  const key = (i) => library.folded.tags[i].replaceAll("|", "\u0000");
  return used.sort((a, b) => (key(a) < key(b) ? -1 : 1));
});

/** Up to three photos of each of these tags, found in one walk. */
const examples = remember((library, list, first) => {
  const found = new Map(list.slice(first, first + PAGE).map((tag) => [tag, []]));
  let open_ = found.size;
  for (let place = 0; place < library.count && open_; place++) {
    for (const tag of library.tagsOf(place)) {
      const places = found.get(tag);
      if (!places || places.length === 3) continue;
      if (places.push(place) === 3) open_--;
    }
  }
  return found;
});

const told = (tag) => tag.replaceAll("|", " › ");
const level = (tag) => tag.split("|").length - 1;

function row(tag, places) {
  const { library } = state;
  const text = library.tagNames[tag];
  const path = text.split("|");
  const parents = byName && !typed ? "" : path.slice(0, -1).join(" › ");
  return html`<tr>
    ${writable() ? html`<td class="tick"><label><input type="checkbox" aria-label="Choose ${text}" .checked=${chosen.has(text)} @change=${() => choose(text)}></label></td>` : nothing}
    <th scope="row" class=${byName && !typed ? `level-${Math.min(level(text), 4)}` : ""}><a href=${address({ terms: [{ field: "tag", value: text }], words: "" })} @click=${seeAll}>${path.at(-1)}</a>${parents ? html` <small>${parents}</small>` : nothing}</th>
    <td class="n">${number(library.tagCounts[tag])}</td>
    <td class="examples">${places.map((place) => html`<img src=${api.thumb(library, place)} alt="" loading="lazy" decoding="async" @error=${seen} @load=${seen}>`)}</td>
    ${writable() ? html`<td class="do"><button class="plain" aria-label="Rename ${text}" @click=${() => rename(text)}>Rename</button>
      <button class="plain" aria-label="Remove ${text}" @click=${() => remove(text)}>Remove</button></td>` : nothing}</tr>`;
}

/** A photo that cannot be decoded is no example. */
const seen = ({ type, target }) => target.classList.toggle("none", type === "error");

function seeAll(event) {
  event.preventDefault();
  goTo(event.currentTarget.getAttribute("href"));
}

function choose(text) {
  if (!chosen.delete(text)) chosen.add(text);
  draw();
}

function draw() {
  if (state.screen !== "tags" || !root || !state.ready) return;
  const { library, version } = state;
  const list = sorted(library, version, typed, byName);
  const found = examples(library, list, from);
  render(html`<div class="page"><div class="head"><h1>${counted(list.length, "tag")}</h1>
      <input type="search" class="find" aria-label="Find a tag" placeholder="Find a tag" autocomplete="off" .value=${typed} @input=${type} @keydown=${(event) => event.key === "Escape" && event.target.blur()}>
      <div class="switch" role="group" aria-label="Order">${[[false, "Most used"], [true, "By name"]].map(([names, text]) => html`
        <button class="plain" aria-pressed=${byName === names} @click=${() => { [byName, from] = [names, 0]; draw(); }}>${text}</button>`)}</div></div>
    ${list.length ? html`<table><thead class="sr"><tr>${writable() ? html`<th>Choose</th>` : nothing}<th>Tag</th><th>Photos</th><th>Examples</th>${writable() ? html`<th>Do</th>` : nothing}</tr></thead>
      <tbody>${repeat(list.slice(from, from + PAGE), (tag) => tag, (tag) => row(tag, found.get(tag) ?? []))}</tbody></table>` : html`<p class="soft">No tag fits.</p>`}
    ${list.length > PAGE ? html`<div class="pager"><button class="plain" ?disabled=${!from} @click=${() => turn(-PAGE)}>${icon("back")} Before</button>
      <span>${number(from + 1)} – ${number(Math.min(from + PAGE, list.length))}</span>
      <button class="plain" ?disabled=${from + PAGE >= list.length} @click=${() => turn(PAGE)}>Next ${icon("next")}</button></div>` : nothing}</div>
    ${chosen.size > 1 ? html`<div class="bar"><b>${number(chosen.size)} chosen</b><button class="plain" @click=${() => { chosen = new Set(); draw(); }}>None</button>
      <button class="main" @click=${merge}>Merge</button></div>` : nothing}`, root);
}

function type(event) {
  typed = event.target.value;
  from = 0;
  draw();
}

function turn(by) {
  from += by;
  draw();
  root.scrollTop = 0;
}

async function rename(tag) {
  const into = await ask({ title: `Rename “${told(tag)}”`, label: "New name", value: tag, button: "Rename" });
  if (into && into !== tag) await retag({ rename: { tag, into } }, `${tag} → ${into}`, false);
}

async function merge() {
  const tags = [...chosen];
  const most = tags.reduce((a, b) => (count(b) > count(a) ? b : a));
  const into = await ask({ title: `Merge ${tags.map(told).join(", ")}`, label: "Into", value: most, button: "Merge" });
  if (!into) return;
  chosen = new Set();
  await retag({ merge: { tags, into } }, `Merged into ${into}`, true);
}

const count = (tag) => state.library.tagCounts[state.library.tagNames.indexOf(tag)];
const remove = (tag) => retag({ remove: { tag } }, `${tag} removed`, true);

/** Does it; what touches many photos is shown first, with their number and eight of them. */
async function retag(body, label, careful) {
  if (careful) {
    try {
      const { count: n, photos } = await api.post("/api/tags", { ...body, preview: true });
      if (n > BIG && !(await sure(label, n, photos))) return;
    } catch (reason) {
      say(reason.message);
      return;
    }
  }
  order(label, "/api/tags", body);
  changed();
}

function sure(label, n, photos) {
  const { library } = state;
  const places = photos.map((id) => library.at(id)).filter((place) => place !== undefined);
  return ask({ title: `${label}: ${counted(n, "photo")}`, button: `Yes, ${number(n)}`,
    more: html`<p class="soft">It can be undone. Eight of them:</p><div class="eight">${places.map((place) => html`<img src=${api.thumb(library, place)} alt="">`)}</div>` });
}

show(draw);
