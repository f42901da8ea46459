// What a person did: shown at once, sent in order, kept while the server is gone, undone by one key.

import * as api from "./api.js";
import { KEPT, changed, say, state } from "./state.js";
import { counted } from "./text.js";

const AGAIN = 2000; // milliseconds until the server is asked again

const outbox = [];
let sending = false;

/**
 * An action: `{label, number, done, path, body, undoes, state, count, total, failed}`.
 * `done` is what was changed in the columns here, to be taken back; `state`: kept, sent, written, failed, undone.
 */
function begin(label, path, body, done = [], undoes = null) {
  const action = { label, path, body, done, undoes, number: null, state: "kept", count: 0, total: done.length, failed: [] };
  state.actions = [...state.actions, action];
  outbox.push(action);
  keep();
  tell(action);
  send();
  return action;
}

/** Gives and takes tags of photos (ids). Nothing is asked of the server where nothing would change. */
export function edit(ids, add, remove, label = words(add, remove)) {
  const done = state.library.change(ids.map((id) => ({ id, add, remove })));
  api.forget(ids);
  if (!done.length) return say("Nothing to change");
  state.version++;
  return begin(`${label} · ${counted(done.length, "photo")}`, "/api/edits", { photos: ids, add, remove }, done);
}

/** What a person says of proposals: yes gives the tag, no keeps it away. */
export function judge(verdicts, label) {
  const yes = verdicts.filter((one) => one.yes);
  const done = state.library.change(yes.map(({ photo, tag }) => ({ id: photo, add: [tag], remove: [] })));
  api.forget(verdicts.map((one) => one.photo));
  state.version++;
  return begin(label, "/api/verdicts", { verdicts }, done);
}

/** Something done to the whole library, or to a run of the past: shown when the server has done it. */
export const order = (label, path, body) => begin(label, path, body);

function words(add, remove) {
  return [...add.map((tag) => `+ ${tag.split("|").at(-1)}`), ...remove.map((tag) => `− ${tag.split("|").at(-1)}`)].join(", ");
}

const swapped = (done) => done.map(({ id, add, remove }) => ({ id, add: remove, remove: add }));

/** The last action that still stands. */
export const latest = () => state.actions.findLast((one) => !["undone", "failed"].includes(one.state) && !one.undoes);

export function undo(action = latest()) {
  if (!action) return say("Nothing to undo");
  state.library.change(swapped(action.done));
  api.forget(action.done.map((one) => one.id));
  state.version++;
  const waiting = outbox.indexOf(action);
  action.state = "undone";
  if (waiting >= 0 && action.number === null && !action.flying) {
    outbox.splice(waiting, 1); // it was never sent
    keep();
    return say(`Undone: ${action.label}`);
  }
  return begin(`Undone: ${action.label}`, null, {}, swapped(action.done), action);
}

/** Sends what is kept, one after the other; what cannot be sent stays, and is tried again. */
async function send() {
  if (sending) return;
  sending = true;
  while (outbox.length) {
    const action = outbox[0];
    const path = action.undoes ? `/api/edits/${action.undoes.number}/undo` : action.path;
    try {
      action.flying = true;
      const { number } = await api.post(path, action.body);
      Object.assign(action, { number, state: "sent" });
    } catch (reason) {
      if (reason instanceof api.Unreachable || reason.status === 401) {
        setTimeout(send, AGAIN);
        break;
      }
      refused(action, reason);
    } finally {
      action.flying = false;
    }
    outbox.splice(outbox.indexOf(action), 1);
    keep();
    changed();
  }
  sending = false;
  changed();
}

function refused(action, reason) {
  state.library.change(swapped(action.done));
  state.version++;
  action.state = "failed";
  if (action.undoes) action.undoes.state = "written";
  say(`${action.label}: ${reason.message}${reason.hint ? ` (${reason.hint})` : ""}`);
}

function keep() {
  const rows = outbox.filter((one) => one.path).map(({ label, path, body }) => ({ label, path, body }));
  if (rows.length) localStorage.setItem(KEPT, JSON.stringify(rows));
  else localStorage.removeItem(KEPT);
}

/** What an earlier page could not send is sent now. */
export function resume() {
  for (const { label, path, body } of JSON.parse(localStorage.getItem(KEPT) ?? "[]")) {
    const edits = path === "/api/edits" ? body.photos.map((id) => ({ id, add: body.add, remove: body.remove })) : [];
    begin(label, path, body, state.library.change(edits));
  }
}

const tell = (action) => changed({ note: { action } });
