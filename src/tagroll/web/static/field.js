// The field "Add a tag": the tags there are are offered; Enter takes the one that is marked, or makes a new one.

import { combo } from "./combo.js";
import { state } from "./state.js";
import { number, rank } from "./text.js";

/** @param give called with a tag or what was typed; @param out called on Esc in the empty field */
export function start(input, give, out) {
  combo(input, input.nextElementSibling, {
    suggest(text) {
      if (!text.trim()) return [];
      const { library } = state;
      return rank(text, library.folded.tags).map((i) => ({
        text: library.tagNames[i].split("|").join(" › "), note: number(library.tagCounts[i]), tag: library.tagNames[i] }));
    },
    choose(option, text) {
      input.value = "";
      give(option?.tag ?? text);
    },
    leave: () => (input.value ? (input.value = "") : out()),
  });
}
