// Review: a model only proposes. By tag, surest first; a person marks the odd ones out and accepts the rest at once.

import { html, nothing, render } from "./vendor/lit-html/lit-html.js";
import { repeat } from "./vendor/lit-html/directives/repeat.js";
import { judge, undo } from "./actions.js";
import * as api from "./api.js";
import { altOf } from "./grid.js";
import { icon } from "./icons.js";
import { tabs } from "./tabs.js";
import { on } from "./keys.js";
import { say, show, state, writable } from "./state.js";
import { counted, number, percent } from "./text.js";

const MANY = 100; // photos judged at once
const AHEAD = 30; // tags listed from the one in question on
// Measured: of proposals from .5 on four in five are right, below that about half. So from there on the wrong ones are marked.
const SURE = 0.5;

let rounds = []; // {tag, photos: [[id, confidence]], marking: "wrong" | "right", marked: Set, action}
let at = 0;
let focus = 0;
let root;
let goTo;

/** Each tag once or twice: its sure proposals, then the unsure ones; long ones in parts. */
function plan(tags) {
  const made = [];
  for (const { tag, photos } of tags) {
    const known = photos.filter(([id]) => state.library.at(id) !== undefined);
    const sure = ([, confidence]) => confidence === null || confidence >= SURE;
    for (const [part, marking] of [[known.filter(sure), "wrong"], [known.filter((one) => !sure(one)), "right"]]) {
      for (let i = 0; i < part.length; i += MANY) {
        made.push({ tag, photos: part.slice(i, i + MANY), marking, marked: new Set(), action: null });
      }
    }
  }
  return made;
}

export async function open(element, go) {
  [root, goTo] = [element, go];
  on("review", { move, mark: () => rounds[at] && mark(focus), accept, none, later, swap, before });
  render(html`<p class="wait">Asking what is proposed …</p>`, root);
  try {
    rounds = plan((await api.get("/api/review")).tags);
  } catch (reason) {
    rounds = [];
    say(reason.message);
  }
  to(0);
}

function to(round) {
  at = Math.max(0, Math.min(round, rounds.length));
  focus = 0;
  draw();
  root.querySelector("[role=option]")?.focus({ preventScroll: true });
}

const name = (tag) => tag.split("|").at(-1);

function mark(i) {
  const { marked, photos } = rounds[at];
  const id = photos[i][0];
  if (!marked.delete(id)) marked.add(id);
  focus = i;
  draw();
}

/** Every photo of the round gets its yes or no; all of it is one action and one undo. */
function settle(right) {
  const round = rounds[at];
  if (!round || !writable()) return;
  const verdicts = round.photos.map(([photo]) => ({ photo, tag: round.tag, yes: right(photo) }));
  const yes = verdicts.filter((one) => one.yes).length;
  round.action = judge(verdicts, `${name(round.tag)}: ${yes ? counted(yes, "photo") : "none"} accepted`);
  to(at + 1);
}

const accept = () => settle((id) => rounds[at].marked.has(id) === (rounds[at].marking === "right"));
const none = () => settle(() => false);
const later = () => to(at + 1);

/** The tag before; what was said of it is taken back, to be said anew. */
function before() {
  if (!at) return;
  const round = rounds[at - 1];
  if (round.action && round.action.state !== "undone") undo(round.action);
  round.action = null;
  to(at - 1);
}

function swap() {
  const round = rounds[at];
  if (!round) return;
  round.marking = round.marking === "right" ? "wrong" : "right";
  round.marked = new Set(round.photos.map(([id]) => id).filter((id) => !round.marked.has(id)));
  draw();
}

function photo([id, confidence], i) {
  const place = state.library.at(id);
  if (place === undefined) return nothing;
  const { marked, marking } = rounds[at];
  const on_ = marked.has(id);
  return html`<div role="option" class="proposal ${marking}" tabindex=${i === focus ? 0 : -1} aria-selected=${on_} @click=${() => mark(i)} @focus=${() => (focus = i)}>
    <img src=${api.thumb(state.library, place)} alt=${altOf(place)} decoding="async">
    <span class="badge" aria-hidden="true">${on_ ? icon(marking === "wrong" ? "close" : "check") : nothing}</span>
    ${confidence === null ? nothing : html`<small>${percent(confidence)}</small>`}</div>`;
}

function draw() {
  if (state.screen !== "review" || !root) return;
  const round = rounds[at];
  if (!round) {
    render(html`<div class="done">${tabs("/review", goTo)}<h1>${rounds.length ? "That was all" : "Nothing to review"}</h1>
      <p>${rounds.length ? "What you put off with Later is asked again next time." : html`Ask a model without writing anything: <code>tagroll tag FOLDER --review</code>`}</p>
      ${at ? html`<button class="plain" @click=${before}>${icon("undo")} Back to the tag before</button>` : nothing}</div>`, root);
    return;
  }
  const { tag, photos, marking, marked } = round;
  const unsure = photos[0][1] !== null && photos[0][1] < SURE;
  const right = marking === "right" ? marked.size : photos.length - marked.size;
  const upcoming = [...new Map(rounds.map((one, i) => [one.tag, i]).reverse())].reverse();
  const here = Math.max(0, upcoming.findIndex(([one]) => one === tag) - 3);
  render(html`<div class="review"><nav class="words" aria-label="Proposed tags">${tabs("/review", goTo)}<ul>${repeat(upcoming.slice(here, here + AHEAD), ([one]) => one, ([one, i]) => html`
      <li><button class="facet" aria-current=${one === tag ? "true" : "false"} @click=${() => to(i)}><span class="what">${name(one)}</span>
        <span class="n">${number(left(one))}</span></button></li>`)}</ul></nav>
    <div class="judge"><div class="ask"><h1>Is this <em>${name(tag)}</em>?</h1>
      <p>${marking === "wrong" ? "Mark what is not, then accept the rest." : `${unsure ? "The model was not sure. " : ""}Mark what is, then accept.`}
        <button class="link" @click=${swap}>${marking === "wrong" ? "Mark the right ones" : "Mark the wrong ones"} <kbd>I</kbd></button></p></div>
    <div class="proposals" role="listbox" aria-multiselectable="true" aria-label="Photos that may be ${name(tag)}">
      ${repeat(photos, ([id]) => `${at} ${id}`, photo)}</div>
    <div class="bar answers"><button class="plain" ?disabled=${!at} aria-label="Back" title="Back (Z)" @click=${before}>${icon("undo")}</button>
      <button class="plain" @click=${none} ?disabled=${!writable()}>None <kbd>R</kbd></button>
      <button class="plain" @click=${later}>Later <kbd>N</kbd></button>
      <button class="main" @click=${accept} ?disabled=${!writable()}>Accept ${number(right)} <kbd>A</kbd></button></div></div></div>`, root);
}

/** How many photos of a tag still wait for an answer. */
const left = (tag) => rounds.reduce((sum, one) => sum + (one.tag === tag && !one.action ? one.photos.length : 0), 0);

/** Where an arrow leads: the next in reading order, or the nearest in the line above or below. */
function move({ key }) {
  const all = [...root.querySelectorAll("[role=option]")];
  if (!all.length) return;
  const here = all[focus].getBoundingClientRect();
  const middle = (box) => box.left + box.width / 2;
  let to_ = focus + ({ ArrowLeft: -1, ArrowRight: 1 }[key] ?? 0);
  if (to_ === focus) {
    const down = key === "ArrowDown";
    const boxes = all.map((one, i) => ({ i, box: one.getBoundingClientRect() }));
    const lines = boxes.filter(({ box }) => (down ? box.top > here.top + 4 : box.top < here.top - 4));
    if (!lines.length) return;
    const line = down ? Math.min(...lines.map(({ box }) => box.top)) : Math.max(...lines.map(({ box }) => box.top));
    const far = ({ box }) => Math.abs(middle(box) - middle(here));
    to_ = lines.filter(({ box }) => Math.abs(box.top - line) < 4).reduce((a, b) => (far(b) < far(a) ? b : a)).i;
  }
  focus = Math.max(0, Math.min(to_, all.length - 1));
  draw();
  all[focus].focus();
}

show(draw);
