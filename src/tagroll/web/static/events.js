// News from the server. A browser has six connections to a host and a stream takes one: it is open only while this
// tab is seen and something is going on. What was missed is asked for.

import * as api from "./api.js";
import { refresh } from "./library.js";
import { changed, show, state, unfinished } from "./state.js";

const SOON = 600; // milliseconds for more news to gather before the columns are asked for
const AGAIN = 2500;

let source = null;
let asking; // the timer for the columns
let knocking; // the timer while the server is gone
let stale = false;

const busy = () => state.status.indexing.running || state.status.waiting || unfinished().some((one) => one.number !== null);

function adjust() {
  if (!document.hidden && state.connection === "" && busy()) open();
  else close();
  if (state.connection === "gone" && !knocking) knocking = setTimeout(knock, AGAIN);
  if (stale && !unfinished().length) soon();
}

function open() {
  if (source) return;
  source = new EventSource("/api/events");
  const on = (name, react) => source.addEventListener(name, (event) => react(JSON.parse(event.data)));
  on("edit", told);
  on("indexing", (indexing) => changed({ status: { ...state.status, indexing } }));
  on("waiting", ({ reason }) => changed({ status: { ...state.status, waiting: reason } }));
  on("library", ({ generation }) => generation !== state.library.head.generation && soon());
  source.addEventListener("open", askMissed);
  source.addEventListener("error", () => {
    close();
    knock();
  });
}

function close() {
  source?.close();
  source = null;
}

/** How far an edit is, by event or by asking. */
function told({ number, done, total, failed, finished, run }) {
  const action = state.actions.find((one) => one.number === number);
  if (action) {
    Object.assign(action, { count: done, total, failed, run });
    if (finished && action.state === "sent") action.state = "written";
    changed(failed.length && finished ? { note: { action } } : {});
  }
  if (finished) soon();
}

/** What was finished before the stream was open is asked for. */
async function askMissed() {
  for (const action of unfinished()) if (action.number !== null) told(await api.get(`/api/edits/${action.number}`));
}

/** The columns, when no edit of ours is on its way: they would show what it was before. */
function soon() {
  stale = true;
  clearTimeout(asking);
  asking = setTimeout(async () => {
    if (unfinished().length || document.hidden || state.connection) return;
    stale = false;
    try {
      await refresh();
    } catch (reason) {
      if (!(reason instanceof api.Unreachable)) throw reason;
      stale = true;
    }
  }, state.status.indexing.running ? SOON * 4 : SOON);
}

/** Asks how the server is; goes on until it answers. */
export async function knock() {
  clearTimeout(knocking);
  knocking = undefined;
  try {
    const status = await api.get("/api/status");
    changed({ status });
    if (state.ready && status.generation !== state.library.head.generation) soon();
  } catch (reason) {
    if (!(reason instanceof api.Unreachable) && reason.status !== 401) throw reason;
  }
}

export function start() {
  show(adjust);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) knock();
    adjust();
  });
}
