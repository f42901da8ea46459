// What there is among the photos shown, with counts: a click narrows, "not" leaves out.

import { html, nothing, render } from "./vendor/lit-html/lit-html.js";
import { post } from "./api.js";
import { icon } from "./icons.js";
import { address, addressOf } from "./library.js";
import { FLAG, NO_RATING } from "./model.js";
import { isUntagged, standing, withTerm } from "./query.js";
import { changed, remember, show, state, writable } from "./state.js";
import { number, rank } from "./text.js";

const MANY = 40; // of each kind at most; for tags there is a field to find the others
const root = document.querySelector("#filters-list");
let typed = "";
let go;

/** Everything that is counted, in one walk over the photos shown. */
const count = remember((library, hits) => {
  const years = new Map();
  const folders = new Uint32Array(library.head.folders.length);
  const cameras = new Uint32Array(library.head.cameras.length + 1);
  const marks = { untagged: 0, review: 0, unreadable: 0, gps: 0, rating: 0 };
  let [year, ofYear] = [0, 0]; // neighbours are mostly of one year
  const add = () => ofYear && years.set(year, (years.get(year) ?? 0) + ofYear);
  for (const place of hits) {
    if (library.year[place] === year) ofYear++;
    else {
      add();
      [year, ofYear] = [library.year[place], 1];
    }
    folders[library.folder[place]]++;
    cameras[library.camera[place]]++;
    const flags = library.flags[place];
    if (isUntagged(library, place)) marks.untagged++;
    if (flags & FLAG.review) marks.review++;
    if (flags & FLAG.unreadable) marks.unreadable++;
    if (library.rating[place] !== NO_RATING) marks.rating++;
    if (!Number.isNaN(library.lat[place])) marks.gps++;
  }
  add();
  return { years, folders, cameras: cameras.subarray(1), marks };
});
const countTags = remember((library, hits, _version) => library.countTags(hits));

/** The entries of a list that occur, most frequent first. */
function frequent(names, counts, field, limit) {
  const order = [...names.keys()].filter((i) => counts[i] > 0).sort((a, b) => counts[b] - counts[a]);
  return order.slice(0, limit).map((i) => ({ term: { field, value: names[i] }, text: names[i], count: counts[i] }));
}

/** A chosen entry is always in its list, also where no photo is left. */
function withChosen(field, entries) {
  const missing = state.query.terms.filter((t) => t.field === field && !entries.some((e) => standing({ terms: [t] }, e.term)));
  return [...missing.map((t) => ({ term: { field, value: t.value }, text: t.value, count: 0 })), ...entries];
}

const choose = (term, how) => go(address(withTerm(state.query, term, how)));

function row({ term, text, count: n }) {
  const how = standing(state.query, term);
  const path = text.split(term.field === "folder" ? "/" : "|");
  const parents = path.slice(0, -1).join(" › ");
  return html`<li class=${how}>
    <button class="facet" aria-pressed=${how === "in"} title=${text} @click=${() => choose(term, how === "in" ? "" : "in")}>
      <span class="what">${path.at(-1)}${parents ? html` <small>${parents}</small>` : nothing}</span> <span class="n">${number(n)}</span>
    </button>
    <button class="not" aria-pressed=${how === "not"} aria-label="Not ${text}" title="Not ${text}"
      @click=${() => choose(term, how === "not" ? "" : "not")}>${icon("not")}</button>
  </li>`;
}

const section = (title, entries, before = nothing) =>
  entries.length || before !== nothing
    ? html`<section><h2>${title}</h2>${before}<ul>${entries.map(row)}</ul></section>` : nothing;

function tags() {
  const { library, hits, version } = state;
  const counts = countTags(library, hits, version);
  if (!typed) return withChosen("tag", frequent(library.tagNames, counts, "tag", MANY));
  return rank(typed, library.folded.tags, MANY).map((i) => ({
    term: { field: "tag", value: library.tagNames[i] }, text: library.tagNames[i], count: counts[i] }));
}

function draw() {
  if (!state.ready || state.screen !== "grid") return;
  const { library, hits } = state;
  const { years, folders, cameras, marks } = count(library, hits);
  const mark = (value, text, field = "is") => ({ term: { field, value }, text, count: marks[value] });
  const shown = [mark("untagged", "Untagged"), mark("review", "With proposals"), mark("unreadable", "Cannot be read"),
    mark("gps", "With a place", "has"), mark("rating", "With a rating", "has")];
  const byYear = [...years].sort((a, b) => b[0] - a[0]).slice(0, MANY).map(([year, n]) => ({
    term: { field: "year", value: String(year) }, text: String(year), count: n }));
  const find = library.tagNames.length > MANY ? html`<input type="search" class="find" aria-label="Find a tag" placeholder="Find a tag"
    autocomplete="off" .value=${typed} @input=${(event) => { typed = event.target.value; draw(); }}
    @keydown=${(event) => event.key === "Escape" && leaveField(event)}>` : nothing;
  render(html`
    ${saved()}
    ${section("Photos", shown.filter((one) => one.count || standing(state.query, one.term)))}
    ${section("Years", withChosen("year", byYear))}
    ${section("Tags", tags(), find)}
    ${section("Folders", withChosen("folder", frequent(library.head.folders, folders, "folder", MANY)))}
    ${section("Cameras", withChosen("camera", frequent(library.head.cameras, cameras, "camera", MANY)))}`, root);
}

function leaveField(event) {
  if (typed) typed = "";
  else event.target.blur();
  draw();
}

function saved() {
  if (!state.searches.length) return nothing;
  return html`<section><h2>Saved</h2><ul>${state.searches.map(({ name, query }) => html`<li class=${query === state.text ? "in" : ""}>
    <button class="facet" aria-pressed=${query === state.text} @click=${() => go(addressOf(query === state.text ? "" : query))}><span class="what">${name}</span></button>
    ${writable() ? html`<button class="not" aria-label="Forget ${name}" title="Forget ${name}" @click=${() => forget(name)}>${icon("close")}</button>` : nothing}
  </li>`)}</ul></section>`;
}

const forget = async (name) => changed(await post("/api/searches", { remove: name }));

export function start(navigate) {
  go = navigate;
  show(draw);
}
