// The library: the columns come when they changed, filters are answered here without asking.

import * as api from "./api.js";
import { parse as readColumns } from "./model.js";
import { matches, parse, write } from "./query.js";
import { changed, state } from "./state.js";

/** Fetches the columns if they changed; what was selected and focused stays so. */
export async function refresh() {
  const buffer = await api.columns(state.library.head.generation);
  if (!buffer) return;
  performance.mark("columns-come");
  const library = readColumns(buffer);
  performance.mark("columns-read");
  const focused = state.library.id[state.hits[state.focus]];
  api.forgetAll();
  const selected = new Set([...state.selected].filter((id) => library.at(id) !== undefined));
  Object.assign(state, { library, selected, ready: true, version: state.version + 1 });
  find();
  if (focused !== undefined) state.focus = Math.max(0, state.hits.indexOf(library.at(focused)));
  changed();
}

/** Answers the query: fields here and now, words by what the server said of them. */
export function find() {
  const { library, query, found } = state;
  performance.mark("find");
  let hits = matches(library, query.terms);
  let close = hits.length;
  if (query.words) {
    const known = found.words === query.words ? found : { exact: [], close: [] };
    const fits = new Uint8Array(library.count);
    for (const place of hits) fits[place] = 1;
    const here = (ids) => ids.map((id) => library.at(id)).filter((place) => fits[place]);
    const exact = here(known.exact ?? []).sort((a, b) => a - b);
    const seen = new Set(exact);
    hits = Uint32Array.from([...exact, ...here(known.close).filter((place) => !seen.has(place))]);
    close = exact.length;
  }
  Object.assign(state, { hits, close });
  performance.measure("to find", "find");
}

/** Shows what a query asks for. Only what is shown stays selected: nobody edits a photo that is out of sight. */
export async function filter(text) {
  const query = parse(text);
  state.focus = 0;
  changed({ text, query });
  find();
  if (state.selected.size) {
    const shown = new Set(Array.from(state.hits, (place) => state.library.id[place]));
    state.selected = new Set([...state.selected].filter((id) => shown.has(id)));
  }
  if (query.words && state.found.words !== query.words) await search(query.words);
}

async function search(words) {
  changed({ found: { words, exact: null, close: [] } });
  try {
    const { exact, close, note } = await api.get(`/api/search?q=${encodeURIComponent(words)}`);
    if (state.query.words !== words) return; // a newer question is on its way
    state.found = { words, exact, close };
    if (note) changed({ note });
  } catch (reason) {
    state.found = { words, exact: [], close: [], error: reason.message };
  }
  find();
  changed();
}

/** The address of a query as it is typed, and of one that was put together. */
export const addressOf = (text) =>
  text ? `/?q=${encodeURIComponent(text).replaceAll("%20", "+").replaceAll("%3A", ":").replaceAll("%2F", "/")}` : "/";
export const address = (query) => addressOf(write(query));
