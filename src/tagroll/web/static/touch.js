// What fingers do with the photos in the grid.

import { extend, from, hitAt } from "./choose.js";
import * as grid from "./grid.js";
import { state } from "./state.js";

const LONG = 420; // milliseconds of a finger's hold
const EDGE = 72; // pixels at the top and bottom in which a drag scrolls
const SLOWNESS = 80; // milliseconds in which it scrolls as far as the finger is in there

const scroller = document.querySelector("#scroll");

/** A long press selects, and the finger goes on selecting. The row it began in stays in the page: a touch dies with it. */
export const touch = {
  timer: null, dragging: false, swallow: false, base: null, x: 0, y: 0, reached: 0, frame: 0, then: 0,

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
      from((this.reached = hit));
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
    if (!this.frame) this.scroll(performance.now());
  },

  reach() {
    const hit = grid.hitUnder(this.x, this.y);
    if (hit !== this.reached) extend(hit, this.base);
    this.reached = hit;
  },

  /** Goes on for as long as the finger is at an edge, equally fast whatever the machine can draw. */
  scroll(now) {
    const passed = this.frame ? Math.min(Math.max(0, now - this.then), 100) : 0;
    this.then = now;
    this.frame = 0;
    const { top, bottom } = scroller.getBoundingClientRect();
    const over = Math.min(0, this.y - top - EDGE) + Math.max(0, this.y - bottom + EDGE);
    if (!over) return;
    scroller.scrollTop += (over * passed) / SLOWNESS;
    this.reach();
    this.frame = requestAnimationFrame((later) => this.scroll(later));
  },

  end() {
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
    grid.pinned.delete(this.row);
    Object.assign(this, { timer: null, dragging: false, frame: 0 });
  },
};
