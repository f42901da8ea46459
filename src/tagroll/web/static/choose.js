// Selecting photos: a click on the ring, Ctrl and Shift; a finger's long press and drag (touch.js).

import * as grid from "./grid.js";
import { lazy } from "./lazy.js";
import { changed, state } from "./state.js";

let anchor = 0; // where a range begins
let touch; // what fingers do, once one has touched a photo

const idOf = (hit) => state.library.id[state.hits[hit]];

export function toggle(hit) {
  const selected = new Set(state.selected);
  if (!selected.delete(idOf(hit))) selected.add(idOf(hit));
  anchor = hit;
  changed({ selected });
}

/** Selects from where the last choice was to this one, besides what was selected before. */
export function extend(hit, base = state.selected) {
  const selected = new Set(base);
  for (let i = Math.min(anchor, hit); i <= Math.max(anchor, hit); i++) selected.add(idOf(i));
  changed({ selected });
}

export const from = (hit) => (anchor = hit);
export const all = () => changed({ selected: new Set(Array.from(state.hits, (place) => state.library.id[place])) });
export const clear = () => changed({ selected: new Set() });

export const hitAt = (target) => target?.closest?.(".cell")?.hit;

/** @param open what a plain click on a photo does */
export function start(canvas, open) {
  canvas.addEventListener("click", (event) => {
    const hit = hitAt(event.target);
    if (hit === undefined || touch?.swallow) return;
    grid.focusHit(hit);
    const finger = event.pointerType === "touch";
    if (event.shiftKey) extend(hit);
    else if (event.target.closest(".ring") || event.ctrlKey || event.metaKey || (finger && state.selected.size)) toggle(hit);
    else open(hit);
  });
  // Shift and a click would mark text on the page.
  canvas.addEventListener("mousedown", (event) => event.shiftKey && event.preventDefault());
  canvas.addEventListener("contextmenu", (event) => touch?.timer && event.preventDefault());
  let down = false;
  canvas.addEventListener("touchstart", async (event) => {
    down = true;
    touch ??= (await lazy(() => import("./touch.js")))?.touch;
    if (down) touch?.begin(event);
  }, { passive: true });
  canvas.addEventListener("touchmove", (event) => touch?.move(event), { passive: false });
  for (const type of ["touchend", "touchcancel"]) canvas.addEventListener(type, () => {
    down = false;
    touch?.end();
  });
}
