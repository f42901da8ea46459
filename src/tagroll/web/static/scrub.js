// The years at the right edge: where one is, and a way to be elsewhere. It is for the pointer alone; keys have G.

import * as grid from "./grid.js";
import { nearby, show, state } from "./state.js";
import { monthText } from "./text.js";

const HOLD = 450; // milliseconds a finger rests until its moves count a tenth
const FINE = 0.1;
const ROOM = 22; // pixels between two years

const strip = document.querySelector("#years");
const thumb = document.querySelector("#thumb");
const bubble = document.querySelector("#when");
const scroller = document.querySelector("#scroll");
let drawn;

function years() {
  const layout = grid.current();
  if (drawn === layout && drawn.strip === strip.clientHeight) return;
  drawn = layout;
  layout.strip = strip.clientHeight;
  const { library, hits, close } = state;
  for (const old of strip.querySelectorAll(".year")) old.remove();
  strip.hidden = layout.total <= scroller.clientHeight;
  let year;
  let lowest = -ROOM;
  for (let row = 0; row < layout.rows; row++) {
    const hit = layout.first[row];
    if (hit >= close || library.year[hits[hit]] === year) continue;
    year = library.year[hits[hit]];
    const y = grid.shareOf(hit) * strip.clientHeight;
    if (y - lowest < ROOM || y > strip.clientHeight - 14) continue;
    lowest = y;
    const mark = document.createElement("span");
    mark.className = "year";
    mark.textContent = year;
    mark.style.top = `${y}px`;
    strip.append(mark);
  }
}

function place() {
  const share = Math.min(1, Math.max(0, grid.progress()));
  thumb.style.top = `${share * strip.clientHeight}px`;
  const layout = grid.current();
  if (!layout.rows) return;
  const hit = layout.first[layout.rowAt(grid.offset() + 8)];
  bubble.textContent = hit >= state.close ? nearby() : monthText(state.library.minute[state.hits[hit]]);
}

function draw() {
  years();
  place();
}

export function start() {
  let last = null; // where the pointer was, while it drags
  let rest; // the timer of a hold
  let slow = false;
  const share = (event) => (event.clientY - strip.getBoundingClientRect().top) / strip.clientHeight;
  const wait = (event) => {
    clearTimeout(rest);
    if (event.pointerType === "touch") rest = setTimeout(() => strip.classList.toggle("fine", (slow = true)), HOLD);
  };
  strip.addEventListener("pointerdown", (event) => {
    strip.setPointerCapture(event.pointerId);
    strip.classList.add("held");
    last = event.clientY;
    wait(event);
    grid.scrollToShare(share(event));
  });
  strip.addEventListener("pointermove", (event) => {
    if (last === null) return;
    if (Math.abs(event.clientY - last) > 3 && !slow) wait(event);
    if (slow) grid.scrollToShare(grid.progress() + ((event.clientY - last) / strip.clientHeight) * FINE);
    else grid.scrollToShare(share(event));
    last = event.clientY;
  });
  for (const type of ["pointerup", "pointercancel"]) strip.addEventListener(type, () => {
    clearTimeout(rest);
    [last, slow] = [null, false];
    strip.classList.remove("held", "fine");
  });
  scroller.addEventListener("scroll", () => {
    place();
    strip.classList.add("moving");
    clearTimeout(strip.timer);
    strip.timer = setTimeout(() => strip.classList.remove("moving"), 1200);
  }, { passive: true });
  new ResizeObserver(draw).observe(strip);
  show(draw);
}
