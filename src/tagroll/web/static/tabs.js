// What can be reviewed: tags of photos, and pairs of tags.

import { html } from "./vendor/lit-html/lit-html.js";

const TABS = [["/review", "Photos"], ["/pairs", "Tags"]];

export function tabs(here, go) {
  const to = (event) => {
    event.preventDefault();
    go(event.currentTarget.getAttribute("href"));
  };
  return html`<div class="switch tabs">${TABS.map(([path, text]) => html`
    <a class="plain" href=${path} aria-current=${path === here ? "page" : "false"} @click=${to}>${text}</a>`)}</div>`;
}
