// The tag panel: what the photos have (all, some), what is offered; a tap gives it to all or takes it from all.

import { html, nothing, render } from "./vendor/lit-html/lit-html.js";
import { edit } from "./actions.js";
import * as api from "./api.js";
import { icon } from "./icons.js";
import { isField, hold } from "./keys.js";
import { field as offers } from "./lazy.js";
import { identity, number, counted, percent } from "./text.js";
import { changed, show, state, targets, writable } from "./state.js";

const MOST = 60; // chips of one kind
const ASKED = 20; // photos whose proposals are asked for
const NEAR = 180; // minutes between photos that are of one occasion
const LAST = "tagroll-last-tags";

export const root = document.querySelector("#panel");
let groups = []; // [{title, tags: [{tag, note}]}], kept for as long as the photos are the same: nothing jumps
let meant = ""; // the photos the groups are of

const lastUsed = () => JSON.parse(localStorage.getItem(LAST) ?? "[]");
const remember = (tag) => localStorage.setItem(LAST, JSON.stringify([tag, ...lastUsed().filter((one) => one !== tag)].slice(0, 12)));

/** How many of the photos have each tag, by the tag's identity. */
function standing(ids) {
  const { library } = state;
  const counts = library.countTags(ids.map((id) => library.at(id)).filter((place) => place !== undefined));
  return { of: (tag) => counts[library.byIdentity.get(identity(tag))] ?? 0, counts };
}

const mostFirst = (counts) => [...counts.keys()].filter((i) => counts[i]).sort((a, b) => counts[b] - counts[a]);

/** The tags of the photos taken shortly before and after, that are not in the selection. */
function neighbours(ids) {
  const { library } = state;
  const places = ids.map((id) => library.at(id)).sort((a, b) => a - b);
  const inside = new Set(places);
  const near = [];
  for (let i = places[0] - 1; i >= 0 && near.length < 40 && library.minute[i] - library.minute[places[0]] < NEAR; i--) near.push(i);
  const end = places.at(-1);
  for (let i = end + 1; i < library.count && near.length < 80 && library.minute[end] - library.minute[i] < NEAR; i++) near.push(i);
  return library.countTags(near.filter((place) => !inside.has(place)));
}

/** Chips anew for other photos; proposals come when the server has told them. */
function gather(ids) {
  const { library } = state;
  const { counts } = standing(ids);
  const seen = new Set();
  const fresh = (tags) => tags.filter(({ tag }) => !seen.has(identity(tag)) && seen.add(identity(tag)));
  const named = (list) => list.map((i) => ({ tag: library.tagNames[i] }));
  groups = [
    { title: "", tags: fresh(named(mostFirst(counts).slice(0, MOST))) },
    { title: "A model proposes", tags: [] },
    { title: "Used last", tags: fresh(lastUsed().map((tag) => ({ tag: library.known(tag) }))) },
    { title: "Near in time", tags: fresh(named(mostFirst(neighbours(ids)).slice(0, 12))) },
  ];
  propose(ids);
}

async function propose(ids) {
  if (ids.length > ASKED) return;
  const key = meant;
  const told = await Promise.all(ids.map(api.known));
  if (meant !== key || told.includes(null)) return; // the panel does without
  const best = new Map();
  for (const { tag, confidence } of told.flatMap((one) => one.proposals)) {
    if (!(best.get(tag) > confidence)) best.set(tag, confidence);
  }
  const tags = [...best].filter(([tag]) => !groups[0].tags.some((one) => identity(one.tag) === identity(tag)));
  if (ids.length === 1 && told[0].same_as) groups[1].title = `A model proposes for ${told[0].same_as}, of the same burst`;
  groups[1].tags = tags.sort((a, b) => (b[1] ?? 1) - (a[1] ?? 1)).map(([tag, sure]) => ({ tag, note: sure === null ? "" : percent(sure) }));
  for (const group of groups.slice(2)) group.tags = group.tags.filter(({ tag }) => !best.has(tag));
  draw();
}

function tap(tag) {
  const ids = targets();
  if (standing(ids).of(tag) === ids.length) edit(ids, [], [tag]);
  else give(tag);
}

function give(text) {
  const tag = state.library.known(text);
  if (!tag) return;
  remember(tag);
  if (!groups.some((group) => group.tags.some((one) => identity(one.tag) === identity(tag)))) groups[0].tags.push({ tag });
  edit(targets(), [tag], []);
}

/** The proposal of a number from 1, as the keys have it. */
export function takeProposal(n) {
  const found = groups[1]?.tags[n - 1];
  if (found && writable()) tap(found.tag);
}

function chip(tag, note, n, total, key) {
  const how = n === total ? "all" : n ? "some" : "offered";
  const said = how === "some" ? `${number(n)} of ${number(total)}` : how;
  const path = tag.split("|");
  const inside = html`${icon({ all: "check", some: "some", offered: "plus" }[how])}<span>${path.at(-1)}${path.length > 1
    ? html` <small>${path.slice(0, -1).join(" › ")}</small>` : nothing}</span>${how === "some"
    ? html`<small>${n}/${total}</small>` : note ? html`<small>${note}</small>` : nothing}${key ? html`<kbd>${key}</kbd>` : nothing}`;
  return writable()
    ? html`<button class="chip ${how}" aria-label="${tag}, ${said}" @click=${() => tap(tag)}>${inside}</button>`
    : html`<span class="chip ${how}">${inside}</span>`;
}

function draw() {
  const ids = targets();
  root.hidden = !(state.panel || state.viewing !== null) || !ids.length || !(state.screen === "grid");
  if (root.hidden) {
    meant = "";
    return;
  }
  const key = ids.length > 2000 ? `${ids.length} ${ids[0]}` : ids.join();
  if (key !== meant) {
    meant = key;
    gather(ids);
    const here = document.activeElement;
    if (root.contains(here) && !isField(here)) here.blur(); // this chip is another tag now
  }
  const { of } = standing(ids);
  const numbered = state.viewing !== null;
  render(html`<div class="head"><h2>${state.viewing === null ? counted(ids.length, "photo") : "Tags"}</h2>
      ${state.viewing === null ? html`<button class="plain" aria-label="Close the panel" title="Close (T)" @click=${close}>${icon("close")}</button>` : nothing}</div>
    <div class="field" ?hidden=${!writable()}><input id="add-tag" role="combobox" aria-label="Add a tag" aria-expanded="false" aria-controls="tag-suggestions" placeholder="Add a tag" enterkeyhint="done" @focus=${offering}>
      <div id="tag-suggestions" class="suggestions" aria-label="Tags" hidden></div></div>
    ${groups.some(({ tags }) => tags.some(({ tag }) => of(tag))) ? nothing : html`<p class="soft">No tags yet.</p>`}
    ${groups.map(({ title, tags }, g) => (tags.length ? html`<section>${title ? html`<h3>${title}</h3>` : nothing}<div class="chips">
      ${tags.map(({ tag, note }, i) => chip(tag, note, of(tag), ids.length, numbered && g === 1 && i < 9 ? i + 1 : 0))}
    </div></section>` : nothing))}`, root);
}

function leave() {
  if (state.viewing === null) close();
  else field().blur();
}

const offering = { once: true, handleEvent: () => hold(offers().then((part) => part?.start(field(), give, leave))) };

export const field = () => root.querySelector("#add-tag");

export async function open() {
  await offers();
  changed({ panel: true });
  draw();
  if (matchMedia("(pointer: fine)").matches) field()?.focus(); // for a finger, a keyboard would cover the chips
}

export function close() {
  changed({ panel: false });
  document.querySelector(".cell[tabindex='0']")?.focus({ preventScroll: true });
}

show(draw);
draw();
