// One photo, large: PhotoSwipe on a stage in a native <dialog>, what is known of the photo and its tags beside.
// Without its focus trap, roles and styles: the panel must be reached.

import { html, nothing, render } from "./vendor/lit-html/lit-html.js";
import PhotoSwipe from "./vendor/photoswipe/photoswipe.esm.min.js";
import * as api from "./api.js";
import { go } from "./app.js";
import * as choose from "./choose.js";
import * as grid from "./grid.js";
import { icon } from "./icons.js";
import { on } from "./keys.js";
import { FLAG } from "./model.js";
import { broken, panel, style } from "./lazy.js";
import { changed, show, state } from "./state.js";
import { momentText, number } from "./text.js";

const EDGE = 4000; // pixels, as if of every photo

const still = matchMedia("(prefers-reduced-motion: reduce)");
const dialog = document.querySelector("#view");
const snackbar = document.querySelector("#snackbar");
const tags = document.querySelector("#panel");
let pswp = null;
let leave;
let known = null; // details of the photo shown
let beside = matchMedia("(min-width: 701px)").matches; // is what is known of it shown

const idOf = (hit) => state.library.id[state.hits[hit]];

/** Shows a hit; `out` is called when the person wants to leave. */
export async function open(hit, out) {
  leave = out;
  await style("view.css");
  if (pswp?.isDestroying) await new Promise((done) => pswp.on("destroy", done));
  if (pswp) {
    if (pswp.currIndex !== hit) pswp.goTo(hit);
    return;
  }
  state.viewing = hit;
  render(frame(), dialog);
  dialog.querySelector(".beside").append(tags); // once: an element that is moved loses the keyboard
  dialog.append(snackbar); // what is outside of a modal dialog cannot be reached
  dialog.classList.toggle("with", beside); // before PhotoSwipe measures its stage
  dialog.showModal();
  const stage = dialog.querySelector(".stage");
  pswp = new PhotoSwipe({
    index: hit, appendToEl: stage, trapFocus: false, returnFocus: false, escKey: false, arrowKeys: false, loop: false,
    close: false, counter: false, zoom: false, arrowPrev: false, arrowNext: false, preloader: false, bgOpacity: 1,
    showHideAnimationType: still.matches ? "none" : "fade", zoomAnimationDuration: still.matches ? 0 : 250, showAnimationDuration: 120,
    bgClickAction: false, tapAction: false, wheelToZoom: true, preload: [1, 2],
    getViewportSizeFn: () => ({ x: stage.clientWidth, y: stage.clientHeight }),
    maxZoomLevel: (zoom) => Math.max(1, zoom.fit * 4),
    secondaryZoomLevel: (zoom) => Math.max(zoom.fit * 2.5, 1),
  });
  listen(stage);
  pswp.init();
  pswp.element.removeAttribute("role");
  pswp.element.removeAttribute("aria-label");
  arrived();
  stage.focus();
  await panel(); // the picture is there already
}

function listen(stage) {
  pswp.addFilter("numItems", () => state.hits.length);
  pswp.addFilter("itemData", (_, hit) => slide(hit));
  pswp.addFilter("placeholderSrc", (src, content) => content.data.msrc || src);
  pswp.addFilter("contentErrorElement", (element, content) => {
    broken(element, content.data.id, content.data.src);
    return element;
  });
  pswp.on("openingAnimationEnd", opened);
  pswp.on("change", arrived);
  pswp.on("zoomPanUpdate", ({ slide: one }) => one.currZoomLevel > one.zoomLevels.initial * 1.3 && original(one));
  pswp.on("close", () => state.viewing !== null && leave());
  // Or the picture stays where it was when the panel fills.
  const sizes = new ResizeObserver(() => pswp?.updateSize());
  sizes.observe(stage);
  pswp.on("destroy", () => {
    sizes.disconnect();
    gone();
  });
}

/** Only now does it take swipes, and can be closed. */
function opened() {
  if (state.viewing === null) pswp.close();
  else dialog.dataset.ready = "";
}

function slide(hit) {
  const { library, hits } = state;
  const aspect = library.aspect[hits[hit]] / 1000 || 1.5;
  const width = EDGE * Math.min(1, aspect);
  return {
    id: idOf(hit), src: api.picture(library, hits[hit]), msrc: api.thumb(library, hits[hit]), alt: grid.altOf(hits[hit]),
    width, height: width / aspect,
  };
}

/** Zoomed in, the photo itself is shown, where a browser can. */
function original(one) {
  const at = state.library.at(one.data.id);
  if (one.data.whole || at === undefined || !(state.library.flags[at] & FLAG.original)) return;
  one.data.whole = true;
  const image = new Image();
  image.src = `/original/${one.data.id}`;
  image.decode().then(() => (one.content.element.src = image.src), () => {}); // what is shown already stays
}

async function arrived() {
  const hit = pswp.currIndex;
  state.focus = hit;
  known = null;
  changed({ viewing: hit });
  const id = idOf(hit);
  history.replaceState(history.state, "", `${location.pathname}${location.search}#photo-${id}`);
  draw();
  const told = await api.known(id);
  if (state.viewing !== null && idOf(state.viewing) === id) known = told;
  draw();
}

export function close() {
  if (!pswp) return;
  state.viewing = null;
  pswp.close();
}

function gone() {
  pswp = null;
  delete dialog.dataset.ready;
  const { focus } = state; // closing gives the keyboard back to the photo that was opened
  dialog.close();
  document.body.append(snackbar);
  tags.hidden = !state.panel; // or the grid would be laid out beside it once more
  document.querySelector("main").after(tags);
  changed({ viewing: null });
  grid.focusHit(focus);
}

function alike() {
  const id = idOf(state.viewing);
  close();
  return go(`/?q=like:${id}`);
}

function toggleBeside() {
  beside = !beside;
  draw();
}

function frame() {
  return html`<div class="stage" tabindex="-1"><button class="step before" aria-label="Previous photo" @click=${() => pswp.prev()}>${icon("back")}</button>
    <button class="step after" aria-label="Next photo" @click=${() => pswp.next()}>${icon("next")}</button></div><div class="tools"></div><div class="beside"><div class="about"></div></div>`;
}

function draw() {
  if (state.viewing === null) return;
  const { library, hits, selected } = state;
  dialog.classList.toggle("with", beside);
  dialog.querySelector(".before").disabled = !state.viewing;
  dialog.querySelector(".after").disabled = state.viewing === hits.length - 1;
  const chosen = selected.has(idOf(state.viewing));
  render(html`<button class="plain" aria-label="Back to the photos" title="Back (Esc)" @click=${() => leave()}>${icon("back")}</button>
    <span class="where">${number(state.viewing + 1)} of ${number(hits.length)}</span>
    <button class="plain" aria-label="Select the photo" aria-pressed=${chosen} title="Select (Space)" @click=${() => choose.toggle(state.viewing)}>${icon("check")}</button>
    <button class="plain" aria-label="Alike" title="Alike (L)" @click=${alike}>${icon("photos")}</button>
    <button class="plain" aria-label="Details" aria-pressed=${beside} title="Details (I)" @click=${toggleBeside}>${icon("info")}</button>`,
  dialog.querySelector(".tools"));
  render(about(library), dialog.querySelector(".about"));
}

function about(library) {
  const at = state.hits[state.viewing];
  const rows = [
    ["Taken", `${momentText(library.minute[at])}${library.flags[at] & FLAG.fileDate ? " (the file's date)" : ""}`],
    ["Camera", library.head.cameras[library.camera[at] - 1]],
    ["Folder", library.head.folders[library.folder[at]]],
  ];
  if (known) rows.push(
    ["Place", known.latitude !== null && `${known.latitude.toFixed(4)}, ${known.longitude.toFixed(4)}`],
    ["File", html`${known.name} <small>${known.format}${known.width ? `, ${known.width} × ${known.height}` : ""}</small>`],
    ["Rating", known.rating !== null && (known.rating < 0 ? "rejected" : `${known.rating} of 5`)],
  );
  return html`${known?.title ? html`<h2>${known.title}</h2>` : nothing}${known?.description ? html`<p>${known.description}</p>` : nothing}
    ${known?.error ? html`<p class="bad">${known.error} ${known.hint}</p>` : nothing}
    <dl>${rows.filter(([, value]) => value).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

on("one photo", {
  step: ({ key }) => (key === "ArrowLeft" ? pswp.prev() : pswp.next()),
  end: ({ key }) => pswp.goTo(key === "Home" ? 0 : state.hits.length - 1),
  toggle: () => choose.toggle(state.viewing),
  zoom: () => pswp.toggleZoom(),
  info: toggleBeside,
  alike,
  proposal: async ({ key }) => (await panel())?.takeProposal(Number(key)),
});

/** T: to the field of the panel. */
export async function toField() {
  if (!beside) toggleBeside();
  (await panel())?.field()?.focus();
}

dialog.addEventListener("cancel", (event) => {
  event.preventDefault();
  leave();
});
show(draw);
