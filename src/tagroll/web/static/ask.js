// A small question in a native dialog.

import { html, nothing, render } from "./vendor/lit-html/lit-html.js";
import { style } from "./lazy.js";

/**
 * Asks for a text, or only for a yes where there is no label. Answers the text ("yes"), or "" where a person turns back.
 * @param more what to show above the field, as a template
 */
export async function ask({ title, label = "", value = "", type = "text", button, more = nothing }) {
  await style("screens.css");
  const dialog = document.querySelector("#ask");
  render(nothing, dialog);
  render(html`<form method="dialog"><h2 id="ask-title">${title}</h2>${more}
    ${label ? html`<label>${label}<input name="answer" type=${type} .value=${value} autocomplete="off" required></label>` : nothing}
    <menu><button class="plain" value="" formnovalidate>Cancel</button><button class="main" value="yes">${button}</button></menu></form>`, dialog);
  // Enter sends the form by its first button, which is Cancel.
  dialog.onkeydown = (event) => {
    if (event.key !== "Enter" || !event.target.matches("input")) return;
    event.preventDefault();
    dialog.querySelector(".main").click();
  };
  dialog.returnValue = "";
  dialog.showModal();
  dialog.querySelector("input")?.select();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue && (dialog.querySelector("input")?.value.trim() ?? "yes"));
  });
}
