// The ? sheet: the table of keys, as it is.

import { html, render } from "./vendor/lit-html/lit-html.js";
import { KEYS } from "./keys.js";

const dialog = document.querySelector("#help");

export function open() {
  const places = [...new Set(KEYS.map((row) => row.where))];
  render(html`<form method="dialog"><h2 id="help-title">Keys</h2><button class="plain" aria-label="Close">×</button></form>
    <div class="columns">${places.map((where) => html`<section><h3>${where}</h3><dl>${KEYS.filter((row) => row.where === where).map((row) => html`
      <div><dt>${row.shown ?? row.keys.join(" ")}</dt><dd>${row.does}</dd></div>`)}</dl></section>`)}</div>`, dialog);
  dialog.showModal();
}
