// All keys, in one table for the handler and the ? sheet.

/** where: which screen; keys: as KeyboardEvent tells them; shown: on the sheet, if not `keys`; does: in words. */
export const KEYS = [
  { where: "photos", keys: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"], shown: "← → ↑ ↓", does: "go to another photo", name: "move" },
  { where: "photos", keys: ["Home", "End"], does: "first and last of the row", name: "rowEnd" },
  { where: "photos", keys: ["Ctrl+Home", "Ctrl+End"], does: "first and last photo", name: "end" },
  { where: "photos", keys: ["PageUp", "PageDown"], does: "a page up or down", name: "page" },
  { where: "photos", keys: ["Enter"], does: "see the photo large", name: "open" },
  { where: "photos", keys: ["Space", "X"], does: "select the photo, or no longer", name: "toggle" },
  { where: "photos", keys: ["Shift+ArrowLeft", "Shift+ArrowRight", "Shift+ArrowUp", "Shift+ArrowDown"], shown: "Shift+← → ↑ ↓", does: "select on the way", name: "extend" },
  { where: "photos", keys: ["Ctrl+A"], does: "select all photos shown", name: "all" },
  { where: "photos", keys: ["G"], does: "go to a date", name: "date" },
  { where: "one photo", keys: ["ArrowLeft", "ArrowRight"], shown: "← →", does: "the photo before and after", name: "step" },
  { where: "one photo", keys: ["Home", "End"], does: "first and last photo", name: "end" },
  { where: "one photo", keys: ["Space", "X"], does: "select the photo, or no longer", name: "toggle" },
  { where: "one photo", keys: ["Enter"], does: "as large as it is, and back", name: "zoom" },
  { where: "one photo", keys: ["I"], does: "show or hide what is known of it", name: "info" },
  { where: "one photo", keys: ["L"], does: "show photos like it", name: "alike" },
  { where: "one photo", keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"], shown: "1 – 9", does: "take a proposed tag, or take it back", name: "proposal" },
  { where: "review", keys: ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"], shown: "← → ↑ ↓", does: "go to another photo", name: "move" },
  { where: "review", keys: ["Space", "X"], does: "mark the photo, or no longer", name: "mark" },
  { where: "review", keys: ["A"], does: "accept: the right ones; two tags are one", name: "accept" },
  { where: "review", keys: ["R"], does: "none is right; two tags stay apart", name: "none" },
  { where: "review", keys: ["N"], does: "later: the next", name: "later" },
  { where: "review", keys: ["I"], does: "mark the right ones, or the wrong ones; the other word stays", name: "swap" },
  { where: "review", keys: ["Z"], does: "back to the one before", name: "before" },
  { where: "everywhere", keys: ["T"], does: "tags of the selection", name: "tags" },
  { where: "everywhere", keys: ["R"], does: "review what a model proposes", name: "review" },
  { where: "everywhere", keys: ["/"], does: "search", name: "search" },
  { where: "everywhere", keys: ["Ctrl+Z"], does: "undo", name: "undo" },
  { where: "everywhere", keys: ["Escape"], shown: "Esc", does: "one step back", name: "back" },
  { where: "everywhere", keys: ["?"], does: "these keys", name: "help" },
];

const actions = new Map(); // "where name" -> function(event)

/** Says what the actions of a screen do. */
export function on(where, named) {
  for (const [name, action] of Object.entries(named)) actions.set(`${where} ${name}`, action);
}

export const isField = (element) => element?.matches?.("input, textarea, select, [contenteditable]");

/** A key as the table has it. */
export function pressed(event) {
  const key = event.key === " " ? "Space" : event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const shift = event.shiftKey && key.length > 1 ? "Shift+" : "";
  return (event.ctrlKey || event.metaKey ? "Ctrl+" : "") + shift + key;
}

let busy = 0; // how many actions are still on their way: a screen that is fetched on first use
const held = []; // what was typed meanwhile is meant for what comes

/** Listens for keys; `scopes()` are the screens whose keys work now, the nearest first. */
export function listen(scopes) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || event.isComposing) return;
    if (busy) {
      event.preventDefault();
      held.push(event);
      return;
    }
    if (isField(event.target)) return; // none works while typing; a field minds Esc itself
    const key = pressed(event);
    const onControl = event.target.closest?.("button, a, summary");
    if (onControl && ["Enter", "Space"].includes(key)) return;
    for (const where of scopes()) {
      const row = KEYS.find((one) => one.where === where && one.keys.includes(key));
      const action = row && actions.get(`${where} ${row.name}`);
      if (!action) continue;
      event.preventDefault();
      hold(action(event));
      return;
    }
  }, { capture: true });
}

/** Holds the keys until a promise is kept. */
export async function hold(result) {
  if (!result?.then) return;
  busy++;
  try {
    await result;
  } finally {
    busy--;
    if (!busy) for (const event of held.splice(0)) again(event);
  }
}

/** A key that was held, for what has the keyboard now. */
function again(event) {
  const target = document.activeElement;
  if (isField(target) && event.key.length === 1 && !event.ctrlKey && !event.metaKey) {
    target.setRangeText(event.key, target.selectionStart, target.selectionEnd, "end");
    target.dispatchEvent(new Event("input", { bubbles: true }));
  } else target.dispatchEvent(new KeyboardEvent("keydown", { ...init(event), bubbles: true, cancelable: true }));
}

const init = ({ key, ctrlKey, metaKey, shiftKey }) => ({ key, ctrlKey, metaKey, shiftKey });
