// Selecting photos: a click on the ring, Ctrl and Shift, a long press and a drag.

import * as grid from "./grid.js";
import { changed, state } from "./state.js";

const LONG = 420; // milliseconds of a finger's hold
const EDGE = 72; // pixels at the top and bottom in which a drag scrolls

let anchor = 0; // where a range begins

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

const hitAt = (target) => target?.closest?.(".cell")?.hit;

/** @param open what a plain click on a photo does */
export function start(canvas, scroller, open) {
  canvas.addEventListener("click", (event) => {
    const hit = hitAt(event.target);
    if (hit === undefined || touch.swallow) return;
    grid.focusHit(hit);
    const finger = event.pointerType === "touch";
    if (event.shiftKey) extend(hit);
    else if (event.target.closest(".ring") || event.ctrlKey || event.metaKey || (finger && state.selected.size)) toggle(hit);
    else open(hit);
  });
  // Shift and a click would mark text on the page.
  canvas.addEventListener("mousedown", (event) => event.shiftKey && event.preventDefault());
  canvas.addEventListener("contextmenu", (event) => touch.timer !== null && event.preventDefault());
  canvas.addEventListener("touchstart", (event) => touch.begin(event), { passive: true });
  canvas.addEventListener("touchmove", (event) => touch.move(event), { passive: false });
  for (const type of ["touchend", "touchcancel"]) canvas.addEventListener(type, () => touch.end());
  touch.scroller = scroller;
}

/** A long press selects, and the finger goes on selecting. The row it began in stays in the page: a touch dies with it. */
const touch = {
  timer: null, dragging: false, swallow: false, base: null, x: 0, y: 0, frame: 0,

  begin(event) {
    this.end();
    this.swallow = false;
    const hit = hitAt(event.target);
    if (hit === undefined || event.touches.length > 1) return;
    [this.x, this.y] = [event.touches[0].clientX, event.touches[0].clientY];
    this.row = grid.current().rowOf(hit);
    this.timer = setTimeout(() => {
      this.dragging = true;
      this.swallow = true; // the click that follows is not one
      grid.pinned.add(this.row);
      navigator.vibrate?.(12);
      this.base = state.selected;
      anchor = hit;
      extend(hit, this.base);
    }, LONG);
  },

  move(event) {
    const { clientX, clientY } = event.touches[0];
    if (!this.dragging) {
      if (Math.hypot(clientX - this.x, clientY - this.y) > 10) this.end();
      return;
    }
    event.preventDefault();
    [this.x, this.y] = [clientX, clientY];
    this.reach();
    if (!this.frame) this.frame = requestAnimationFrame(() => this.scroll());
  },

  reach() {
    const hit = hitAt(document.elementFromPoint(this.x, this.y));
    if (hit !== undefined) extend(hit, this.base);
  },

  scroll() {
    this.frame = 0;
    if (!this.dragging) return;
    const { top, bottom } = this.scroller.getBoundingClientRect();
    const over = Math.min(0, this.y - top - EDGE) + Math.max(0, this.y - bottom + EDGE);
    if (!over) return;
    this.scroller.scrollTop += over / 5;
    this.reach();
    this.frame = requestAnimationFrame(() => this.scroll());
  },

  end() {
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
    grid.pinned.delete(this.row);
    Object.assign(this, { timer: null, dragging: false, frame: 0 });
  },
};
