// The grid: only the rows in sight are in the page. Own DOM code, since this is the one hot path.
// An ARIA grid with a roving tabindex: https://www.w3.org/WAI/ARIA/apg/patterns/grid/

import * as api from "./api.js";
import { Layout } from "./layout.js";
import { broken } from "./lazy.js";
import { FLAG } from "./model.js";
import { changed, nearby, show, state } from "./state.js";
import { dayText, momentText } from "./text.js";

// Browsers stop at some 17 million pixels, and trouble was seen from 6 on: taller libraries are scrolled to scale.
const TALLEST = 5_000_000;
const SOON = 150; // milliseconds in which no more rows come
const scroller = document.querySelector("#scroll");
const canvas = document.querySelector("#photos");
const sticky = document.querySelector("#day");
const blank = document.querySelector("#cell").content.firstElementChild;

const rows = new Map(); // row -> element
const captions = new Map(); // id -> text, empty until the server has told it
export const pinned = new Set(); // rows that stay in the page: under a finger
let layout = new Layout(new Uint32Array(0), state.library, 1000, { row: 200, heading: 40 });
let laid = {}; // what the layout stands on
let asking; // the timer for captions
let away = 0; // where the grid was scrolled to when another screen came

export const current = () => layout;
const phone = matchMedia("(max-width: 700px)"); // as in page.css

/** How high a row and its headings are, and what stays free beside them. */
const sizes = () => (phone.matches ? { row: Math.max(84, scroller.clientWidth / 4.1), heading: 36, left: 2, right: 2 }
  : { row: scroller.clientWidth > 1700 ? 230 : 196, heading: 44, left: 20, right: 52 });
const height = () => scroller.clientHeight;
const bottom = 96; // room for the bar below the last row
const tall = () => layout.total + bottom;
const span = () => Math.max(1, tall() - height()); // how far it can be scrolled
const scale = () => (tall() > TALLEST ? span() / (TALLEST - height()) : 1);

/** Where the window begins, in the layout's own pixels. */
export const offset = () => scroller.scrollTop * scale();

export function scrollTo(y) {
  scroller.scrollTop = Math.max(0, Math.min(y, span())) / scale();
  draw();
}

export const progress = () => offset() / span();
export const scrollToShare = (share) => scrollTo(share * span());
/** How far down a hit lies, from 0 to 1, on the scale of `progress`. */
export const shareOf = (hit) => Math.min(1, layout.top[layout.rowOf(hit)] / span());

function relay() {
  const { hits, library, close } = state;
  const size = sizes();
  const width = scroller.clientWidth - size.left - size.right;
  if (laid.hits === hits && laid.library === library && laid.width === width) return;
  if (width <= 0) return; // another screen is shown
  const anchor = laid.hits?.length ? laid.library.id[laid.hits[layout.first[layout.rowAt(offset())]]] : undefined;
  const fresh = laid.text !== state.text;
  if (laid.library !== library) captions.clear();
  laid = { hits, library, width, text: state.text };
  performance.mark("layout");
  layout = new Layout(hits, library, width, size, close);
  performance.measure("to lay out", "layout");
  for (const element of rows.values()) drop(element);
  rows.clear();
  canvas.style.height = `${Math.min(tall(), TALLEST)}px`;
  canvas.setAttribute("aria-rowcount", layout.rows);
  if (fresh) scrollTo(0);
  else if (anchor !== undefined && scroller.scrollTop > 0) {
    const hit = hits.indexOf(library.at(anchor));
    if (hit >= 0) scrollTo(layout.top[layout.rowOf(hit)]);
  }
}

function drop(element) {
  // A picture that is no longer wanted is given up, so that the server makes those that are.
  for (const img of element.querySelectorAll("img")) if (!img.complete) img.removeAttribute("src");
  element.remove();
}

/** Brings the page in step: the rows in sight, who is selected, who has the keyboard. */
export function draw() {
  relay();
  const top = offset();
  const margin = height() * 0.5;
  const from = layout.rowAt(top - margin);
  const to = layout.rows ? layout.rowAt(top + height() + margin) : -1;
  const keep = new Set(pinned);
  if (state.hits.length) keep.add(layout.rowOf(Math.min(state.focus, state.hits.length - 1)));
  for (let row = from; row <= to; row++) keep.add(row);
  for (const [row, element] of rows) {
    if (keep.has(row)) continue;
    drop(element);
    rows.delete(row);
  }
  for (const row of [...keep].sort((a, b) => a - b)) if (row < layout.rows && !rows.has(row)) add(row);
  const shift = scroller.scrollTop - top;
  for (const [row, element] of rows) {
    element.style.transform = `translate(${layout.size.left}px, ${layout.top[row] + shift}px)`;
    for (const cell of element.cells) mark(cell);
  }
  canvas.classList.toggle("choosing", state.selected.size > 0);
  stick(top);
}

function add(row) {
  const element = document.createElement("div");
  element.className = "row";
  element.setAttribute("role", "row");
  element.setAttribute("aria-rowindex", row + 1);
  const heading = layout.headed[row] ? layout.size.heading : 0;
  element.cells = layout.place(row).map(({ i, x, width }) => {
    if (layout.heads(i)) element.append(label(i, x));
    const cell = fill(blank.cloneNode(true), i);
    Object.assign(cell.style, {
      left: `${x}px`, top: `${heading}px`, width: `${width}px`, height: `${layout.height[row]}px`,
    });
    element.append(cell);
    return cell;
  });
  const next = Math.min(...[...rows.keys()].filter((other) => other > row));
  canvas.insertBefore(element, rows.get(next) ?? null);
  rows.set(row, element);
  clearTimeout(asking);
  asking = setTimeout(askCaptions, SOON);
}

function label(i, x) {
  const element = document.createElement("div");
  element.className = "day";
  element.setAttribute("aria-hidden", "true"); // a photo's own name tells the date where it says nothing better
  element.textContent = headingOf(i);
  element.style.left = `${x}px`;
  return element;
}

function headingOf(i) {
  const { library, hits, close } = state;
  if (i >= close) return nearby();
  return dayText(library.day[hits[i]]);
}

function fill(cell, i) {
  const { library, hits } = state;
  const place = hits[i];
  cell.hit = i;
  cell.dataset.id = library.id[place];
  const img = cell.firstElementChild;
  img.alt = altOf(place);
  const flags = library.flags[place];
  if (flags & FLAG.review) cell.classList.add("proposed");
  if (flags & FLAG.unreadable) unreadable(cell, place);
  else {
    img.addEventListener("error", () => img.getAttribute("src") && unreadable(cell, place), { once: true });
    img.addEventListener("load", () => cell.classList.add("seen"), { once: true });
    img.src = api.thumb(library, place);
  }
  return cell;
}

/** What a photo is called where it cannot be seen: its caption, else its tags, else its folder and time. */
export function altOf(place) {
  const { library } = state;
  const names = library.namesOf(place).map((name) => name.split("|").at(-1));
  return captions.get(library.id[place]) || names.join(", ") || `Photo in ${library.head.folders[library.folder[place]]}, ${momentText(library.minute[place])}`;
}

/** Captions are not in the columns: those of the photos in sight are asked for, together and once. */
async function askCaptions() {
  const { library } = state;
  const cells = [...rows.values()].flatMap((row) => row.cells);
  const places = cells.map(({ hit }) => state.hits[hit]).filter((place) => library.flags[place] & FLAG.caption);
  const ids = places.map((place) => library.id[place]).filter((id) => !captions.has(id));
  if (!ids.length) return;
  ids.forEach((id) => captions.set(id, ""));
  const told = await api.orNull(api.get(`/api/captions?photos=${ids}`));
  for (const id in told?.captions) captions.set(Number(id), told.captions[id]);
  for (const cell of cells) if (!cell.classList.contains("broken")) cell.firstElementChild.alt = altOf(state.hits[cell.hit]);
}

async function unreadable(cell, place) {
  const note = document.createElement("span");
  note.className = "why";
  cell.append(note);
  cell.classList.add("broken");
  await broken(note, state.library.id[place], api.thumb(state.library, place));
  cell.firstElementChild.alt = "";
}

function mark(cell) {
  const { library, hits, selected, focus } = state;
  const chosen = selected.has(library.id[hits[cell.hit]]);
  cell.setAttribute("aria-selected", chosen);
  cell.tabIndex = cell.hit === focus ? 0 : -1;
}

/** The heading of the day in the first row, while its own is out of sight. */
function stick(top) {
  if (!layout.rows || top <= 0) {
    sticky.hidden = true;
    return;
  }
  const row = layout.rowAt(top + 8);
  sticky.hidden = Boolean(layout.headed[row]) && top - layout.top[row] < 8;
  const text = headingOf(layout.first[row]);
  if (sticky.textContent !== text) sticky.textContent = text;
}

export const elementOf = (hit) => rows.get(layout.rowOf(hit))?.cells.find((cell) => cell.hit === hit);

/** Gives a photo the keyboard, and scrolls no further than is needed to see it. */
export function focusHit(hit, { take = true } = {}) {
  if (!state.hits.length) return;
  state.focus = Math.max(0, Math.min(hit, state.hits.length - 1));
  reveal(state.focus);
  draw();
  if (take) elementOf(state.focus)?.focus({ preventScroll: true });
  changed();
}

function reveal(hit) {
  const row = layout.rowOf(hit);
  const top = layout.top[row];
  const end = top + layout.height[row] + (layout.headed[row] ? layout.size.heading : 0);
  const bar = state.selected.size ? 84 : 12;
  if (top < offset() + 40) scrollTo(top - (layout.headed[row] ? 0 : 44));
  else if (end > offset() + height() - bar) scrollTo(end - height() + bar);
}

/** The hit of a row that lies at x, or nearest to it. */
function nearest(row, x) {
  const far = (cell) => Math.max(cell.x - x, x - cell.x - cell.width, 0);
  return layout.place(row).reduce((best, cell) => (far(cell) < far(best) ? cell : best)).i;
}

/** The hit that lies above (-1) or below (1) another, by its middle. */
export function beside(hit, step) {
  const row = layout.rowOf(hit);
  const to = Math.max(0, Math.min(row + step, layout.rows - 1));
  if (to === row) return hit;
  const here = layout.place(row).find(({ i }) => i === hit);
  return nearest(to, here.x + here.width / 2);
}

/** The hit under a point of the window, or nearest to it: also where a bar lies over the photos. */
export function hitUnder(x, y) {
  const { left, top } = scroller.getBoundingClientRect();
  return nearest(layout.rowAt(offset() + y - top), x - left - layout.size.left);
}

export const rowsInSight = () => Math.max(1, layout.rowAt(offset() + height()) - layout.rowAt(offset()) - 1);
export const endOfRow = (hit, last) => (last ? layout.first[layout.rowOf(hit) + 1] - 1 : layout.first[layout.rowOf(hit)]);

/** Another screen comes or has gone: where one was is kept. */
export const leave = () => (away = offset());
export function back() {
  draw();
  scrollTo(away);
}

export function start() {
  scroller.addEventListener("scroll", draw, { passive: true });
  new ResizeObserver(draw).observe(scroller);
  canvas.addEventListener("focusin", (event) => {
    const cell = event.target.closest(".cell");
    if (cell && state.focus !== cell.hit) changed({ focus: cell.hit });
  });
  show(draw);
}
