// Icons, from the symbols in the page itself.

import { html } from "./vendor/lit-html/lit-html.js";

export const icon = (name) => html`<svg class="icon" aria-hidden="true"><use href="#i-${name}"></use></svg>`;
