// Icons, from the symbols in the page itself.

import { html, svg } from "./vendor/lit-html/lit-html.js";

export const icon = (name) => html`<svg class="icon" aria-hidden="true">${svg`<use href="#i-${name}"></use>`}</svg>`;
