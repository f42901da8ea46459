// Starts the page, knows which screen is shown, and ties keys and buttons to what they do.

import { html, nothing, render } from "./vendor/lit-html/lit-html.js";
import * as api from "./api.js";
import * as choose from "./choose.js";
import * as events from "./events.js";
import * as facets from "./facets.js";
import * as grid from "./grid.js";
import { icon } from "./icons.js";
import { hold, listen, on } from "./keys.js";
import { field, lazy, panel, part } from "./lazy.js";
import { address, addressOf, filter, refresh } from "./library.js";
import * as notes from "./notes.js";
import { parse } from "./query.js";
import * as scrub from "./scrub.js";
import { KEPT, changed, nearby, say, show, state, targets, writable } from "./state.js";
import { counted, number } from "./text.js";

const $ = (selector) => document.querySelector(selector);
const OTHERS = { tags: () => import("./tags.js"), review: () => import("./review.js"), pairs: () => import("./pairs.js"), history: () => import("./history.js") };
const SCREENS = { "/": "grid", "/tags": "tags", "/review": "review", "/pairs": "pairs", "/history": "history" };

// ---- screens and addresses ----

/** Goes to an address of ours; `back` in the browser comes back from it. */
export function go(to) {
  if (to !== location.pathname + location.search + location.hash) history.pushState({ inside: true }, "", to);
  return arrive();
}

const goFilter = (text) => go(addressOf(text.trim()));

async function arrive() {
  const screen = SCREENS[location.pathname] ?? "grid";
  if (screen !== state.screen && state.screen === "grid") grid.leave();
  const came = screen !== state.screen;
  changed({ screen });
  showScreen(screen);
  const text = new URLSearchParams(location.search).get("q") ?? "";
  if (screen === "grid") {
    if (text !== state.text || (state.query.words && state.found.words !== state.query.words)) await filter(text);
    if (came) grid.back();
    await view(/^#photo-(\d+)$/.exec(location.hash)?.[1]);
  } else {
    await view();
    await (await part(OTHERS[screen], "screens.css"))?.open($("#other"), go);
  }
  document.body.dataset.ready = screen;
}

function showScreen(screen) {
  document.body.dataset.screen = screen;
  $("#other").hidden = screen === "grid";
  document.title = { grid: "tagroll", tags: "All tags · tagroll", review: "Review · tagroll", pairs: "Review · tagroll", history: "History · tagroll" }[screen];
  for (const item of document.querySelectorAll("[data-go]")) item.ariaCurrent = item.dataset.go === (screen === "pairs" ? "review" : screen) ? "page" : null;
}

/** Opens the full view on a photo, or closes it. */
async function view(id) {
  const place = id === undefined ? undefined : state.library.at(Number(id));
  if (place === undefined && state.viewing === null) return;
  const large = await lazy(() => import("./view.js"));
  const hit = state.hits.indexOf(place);
  if (place === undefined || hit < 0) large?.close();
  else await large?.open(hit, leaveView);
}

const see = (hit) => go(`${location.pathname}${location.search}#photo-${state.library.id[state.hits[hit]]}`);

/** Out of the full view: the way it was come into, so that the browser's own "back" does not lead into it again. */
function leaveView() {
  if (history.state?.inside) history.back();
  else {
    history.replaceState(null, "", location.pathname + location.search);
    arrive();
  }
}

// ---- what stands above and below the photos ----

function drawBar() {
  if (document.activeElement !== $("#search")) $("#search").value = state.text;
  const { query, hits, close, selected, library, ready } = state;
  const terms = query.words ? [...query.terms, { field: "words", value: query.words }] : query.terms;
  const without = (term) => (term.field === "words" ? { ...query, words: "" } : { ...query, terms: query.terms.filter((one) => one !== term) });
  const starred = state.searches.some((one) => one.query === state.text);
  render(html`<h1>${ready ? counted(close, "photo") : "Photos"}${hits.length > close ? html` <small>and ${number(hits.length - close)} ${nearby().toLowerCase()}</small>` : nothing}</h1>
    <div class="terms">${terms.map((term) => html`<button class="term ${term.not ? "without" : ""}" aria-label="Drop ${term.not ? "not " : ""}${term.field} ${term.value}"
        @click=${() => go(address(without(term)))}><small>${term.not ? "not " : ""}${term.field}</small> ${term.value.split("|").at(-1)} ${icon("close")}</button>`)}
      ${state.text && writable() && !starred ? html`<button class="term star" @click=${async () => (await more())?.star()}>${icon("star")} Save</button>` : nothing}</div>
    ${hits.length ? html`<button class="plain all" @click=${choose.all}>Select all</button>` : nothing}`, $("#shown"));
  const chosen = $("#chosen");
  if (selected.size && writable()) [panel, field].forEach((wanted) => wanted()); // next, maybe when the server is gone
  chosen.hidden = !selected.size || state.screen !== "grid";
  render(chosen.hidden ? nothing : html`<button class="plain" aria-label="Select none" title="Select none (Esc)" @click=${choose.clear}>${icon("close")}</button>
    <b>${number(selected.size)}<span> selected</span></b>
    <button class="plain" @click=${() => go(`${location.pathname}${location.search}#photo-${[...selected][0]}`)}>${icon("eye")} See</button>
    ${writable() ? html`<button class="main" aria-expanded=${state.panel} @click=${togglePanel}>${icon("tag")} Tags</button>` : nothing}`, chosen);
  $("#empty").hidden = Boolean(hits.length) || !ready;
  if (!hits.length && ready) more().then((known) => known && render(known.emptiness(go), $("#empty")));
}

/** Asked for when it is needed: why there is nothing to see, and the small dialogs. */
const more = () => part(() => import("./more.js"), "screens.css");

// ---- the tag panel ----

async function togglePanel() {
  if (!writable() || state.screen !== "grid") return;
  if (state.viewing !== null) return await (await lazy(() => import("./view.js")))?.toField();
  const tags = await panel();
  if (state.panel) tags?.close();
  else if (targets().length) await tags?.open();
}

// ---- keys ----

function scopes() {
  if (document.querySelector("dialog[open]:not(#view)")) return [];
  if (state.viewing !== null) return ["one photo", "everywhere"];
  return { grid: ["photos", "everywhere"], review: ["review", "everywhere"], pairs: ["review", "everywhere"] }[state.screen] ?? ["everywhere"];
}

const STEPS = { ArrowLeft: -1, ArrowRight: 1 };
const target = ({ key }) => (key in STEPS ? state.focus + STEPS[key] : grid.beside(state.focus, key === "ArrowUp" ? -1 : 1));

/** One step back: the menu, the panel, the selection, the filter. */
function back() {
  if (document.body.classList.contains("filtering")) return filters(false);
  if (state.viewing !== null) return leaveView();
  if (state.screen !== "grid") return go(addressOf(state.text));
  if (state.panel) return togglePanel();
  if (state.selected.size) return choose.clear();
  if (state.text) return go("/");
}

on("photos", {
  move: (event) => grid.focusHit(target(event)),
  rowEnd: ({ key }) => grid.focusHit(grid.endOfRow(state.focus, key === "End")),
  end: ({ key }) => grid.focusHit(key === "End" ? state.hits.length - 1 : 0),
  page: ({ key }) => {
    let hit = state.focus;
    for (let n = grid.rowsInSight(); n > 0; n--) hit = grid.beside(hit, key === "PageUp" ? -1 : 1);
    grid.focusHit(hit);
  },
  open: () => (state.hits.length ? see(state.focus) : undefined),
  toggle: () => state.hits.length && choose.toggle(state.focus),
  extend: (event) => {
    if (!state.selected.has(state.library.id[state.hits[state.focus]])) choose.from(state.focus);
    const hit = Math.max(0, Math.min(target(event), state.hits.length - 1));
    choose.extend(hit);
    grid.focusHit(hit);
  },
  all: () => choose.all(),
  date: async () => {
    (await more())?.goToDate(); // itself not waited for: it is done when the person has answered
  },
});

on("everywhere", {
  tags: togglePanel,
  review: () => go("/review"),
  search: () => {
    $("#search").select();
    return searching; // keys are held until the field minds them
  },
  undo: async () => writable() && (await lazy(() => import("./actions.js")))?.undo(),
  back,
  help: () => help(),
});

const help = async () => (await part(() => import("./help.js"), "screens.css"))?.open();

function filters(open) {
  document.body.classList.toggle("filtering", open);
  $("#open-filters").ariaExpanded = open;
  $(open ? "#filters" : "#open-filters").focus();
}

// ---- start ----

function wire() {
  for (const item of document.querySelectorAll("[data-go]")) {
    item.addEventListener("click", (event) => {
      event.preventDefault();
      document.body.classList.remove("filtering");
      const screen = item.dataset.go;
      go(screen !== "grid" ? `/${screen}` : state.screen === "grid" ? "/" : addressOf(state.text));
    });
  }
  $("#open-help").addEventListener("click", help);
  $("#open-filters").addEventListener("click", () => filters(!document.body.classList.contains("filtering")));
  $("#shut-filters").addEventListener("click", () => filters(false));
  $("#skip").addEventListener("click", (event) => {
    event.preventDefault();
    grid.focusHit(state.focus);
  });
  $("#search").addEventListener("focus", () => {
    searching = part(() => import("./search.js"), "screens.css").then((field) => field?.start(goFilter, () => grid.focusHit(state.focus)));
    hold(searching);
  }, { once: true });
  addEventListener("popstate", arrive);
}

let searching; // the field's own part of the page, once it is on its way

/** The columns, however long it takes until the server gives them. */
async function firstColumns() {
  for (;;) {
    try {
      return await refresh();
    } catch (reason) {
      if (!(reason instanceof api.Refusal || reason instanceof api.Unreachable)) throw reason;
      if (reason.hint && reason.status !== 401) say(`${reason.message} ${reason.hint}`);
      await new Promise((resolve) => setTimeout(resolve, 2500));
    }
  }
}

async function start() {
  wire();
  $("#shown").replaceChildren(); // what the page shows before anything is known
  for (const part of [grid, scrub, notes, events]) part.start();
  facets.start(go);
  show(drawBar);
  choose.start($("#photos"), see);
  listen(scopes);
  state.text = new URLSearchParams(location.search).get("q") ?? "";
  state.query = parse(state.text);
  events.knock();
  await firstColumns();
  if (writable()) {
    if (localStorage.getItem(KEPT)) (await import("./actions.js")).resume();
    api.get("/api/searches").then(changed);
  }
  document.body.classList.toggle("read-only", !writable());
  await arrive();
  performance.mark("shown");
}

start();
