// What the page knows, in one place. Who changes it calls `changed()`; who shows it is drawn once afterwards.

import { nothingYet } from "./model.js";
import { parse } from "./query.js";

export const state = {
  library: nothingYet(),
  version: 0, // counts up whenever tags in the library changed
  screen: "grid", // grid, tags, review, pairs, history
  query: parse(""),
  text: "", // the query as it stands in the address
  found: { words: "", exact: null, close: [] }, // what the server said of the words
  hits: new Uint32Array(0), // places of the photos shown
  close: 0, // from which hit on they are only close
  focus: 0, // the hit that has the keyboard
  selected: new Set(), // ids
  panel: false, // is the tag panel open
  viewing: null, // the hit in the full view
  ready: false, // the first columns are here
  connection: "", // "", "gone" or "stranger" (the token is no longer valid)
  status: { indexing: { running: false, done: 0, about: 0 }, waiting: "", roots: [] },
  actions: [], // what was done in this tab, oldest first (actions.js)
  searches: [],
  note: null, // the line in the snackbar: `{text}` or `{action}`
};

export const KEPT = "tagroll-unsent"; // where what was not sent survives a reload of the page

const views = [];
let queued = false;

export const show = (view) => views.push(view);

export function changed(part = {}) {
  Object.assign(state, part);
  if (queued) return;
  queued = true;
  queueMicrotask(() => {
    queued = false;
    for (const view of views) view();
  });
}

/** What an edit is for: the selection, the photo in the full view, or the one that has the keyboard. Ids. */
export function targets() {
  const { library, hits, viewing, focus, selected } = state;
  if (viewing !== null) return [library.id[hits[viewing]]];
  if (selected.size) return [...selected];
  return focus < hits.length ? [library.id[hits[focus]]] : [];
}

/** Actions that were not sent, or not yet written. */
export const unfinished = () => state.actions.filter((one) => one.state === "sent" || one.state === "kept");

/** One line for a person, for ten seconds. */
export const say = (text) => changed({ note: { text } });

export const nearby = () => (state.query.words.startsWith("like:") ? "Alike" : "Close in meaning");

export const writable = () => !state.library.head.readOnly;

/** A value that is worked out anew only when what it stands on has changed. */
export function remember(work) {
  let last = [];
  let value;
  return (...on) => {
    if (on.length !== last.length || on.some((part, i) => part !== last[i])) {
      value = work(...on);
      last = on;
    }
    return value;
  };
}
